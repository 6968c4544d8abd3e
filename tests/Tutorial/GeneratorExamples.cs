using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>inline-callbacks/gen-*: functions that stop in the middle. In C# these are iterators; a generator that is sent
/// values is an async method.</summary>
[TestClass]
public sealed class GeneratorExamples : TutorialExample
{
    [TestMethod]
    public void Gen1_ALoopOverAGenerator()
    {
        foreach (int n in MyGenerator())
        {
            Print(n);
        }

        Expect("starting up", "1", "workin'", "2", "still workin'", "3", "done");
    }

    [TestMethod]
    public void Gen2_TheSameByHand()
    {
        using IEnumerator<int> gen = MyGenerator().GetEnumerator();
        while (gen.MoveNext())
        {
            Print(gen.Current);
        }

        Expect("starting up", "1", "workin'", "2", "still workin'", "3", "done");
    }

    [TestMethod]
    public void Gen3_TwoTakeTurns()
    {
        static IEnumerable<int> Counting(params int[] numbers)
        {
            foreach (int number in numbers)
            {
                yield return number;
            }
        }

        var gens = new List<IEnumerator<int>>
        {
            Counting(1, 2, 3).GetEnumerator(),
            Counting(10, 20, 30, 40).GetEnumerator(),
        };
        while (gens.Count > 0)
        {
            foreach (IEnumerator<int> gen in gens.ToArray())
            {
                if (gen.MoveNext())
                {
                    Print(gen.Current);
                }
                else
                {
                    gens.Remove(gen);
                }
            }
        }

        Expect("1", "10", "2", "20", "3", "30", "40");
    }

    [TestMethod]
    public void Gen4_ValuesAndExceptionsGoIn()
    {
        async Deferred Body(Conversation<int, int> me)
        {
            Print("starting up");
            int val = await me.Yield(1);
            Print($"got: {val}");
            val = await me.Yield(2);
            Print($"got: {val}");
            try
            {
                await me.Yield(3);
            }
            catch (Malfunction)
            {
                Print("malfunction!");
            }

            await me.Yield(4);
            Print("done");
        }

        var gen = new Conversation<int, int>(Body);
        Print(gen.Start());
        Print(gen.Send(10));
        Print(gen.Send(20));
        Print(gen.Throw(new Malfunction()));
        Assert.ThrowsExactly<InvalidOperationException>(() => gen.Send(0));
        Expect("starting up", "1", "got: 10", "2", "got: 20", "3", "malfunction!", "4", "done");
    }

    private IEnumerable<int> MyGenerator()
    {
        Print("starting up");
        yield return 1;
        Print("workin'");
        yield return 2;
        Print("still workin'");
        yield return 3;
        Print("done");
    }

    private sealed class Malfunction : Exception;

    /// <summary>Python's generator with send and throw, made of one deferred at a time: the body awaits an answer to what it
    /// says, and this fires it.</summary>
    private sealed class Conversation<TSaid, TAnswer>(Func<Conversation<TSaid, TAnswer>, Deferred> body)
    {
        private Deferred<TAnswer>? _answer;
        private TSaid? _said;

        /// <summary>For the body: says something, and waits for the answer.</summary>
        public Deferred<TAnswer> Yield(TSaid said)
        {
            _said = said;
            return _answer = new Deferred<TAnswer>();
        }

        public TSaid Start()
        {
            body(this).AddErrback(failure => failure.Throw());
            return Said();
        }

        public TSaid Send(TAnswer answer)
        {
            Take().Callback(answer);
            return Said();
        }

        public TSaid Throw(Exception exception)
        {
            Take().Errback(exception);
            return Said();
        }

        private Deferred<TAnswer> Take()
        {
            Deferred<TAnswer> answer = _answer ?? throw new InvalidOperationException("the body has ended");
            _answer = null;
            return answer;
        }

        private TSaid Said() => _answer is null ? throw new InvalidOperationException("the body has ended") : _said!;
    }
}
