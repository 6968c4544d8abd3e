using Poetry.Net;
using Poetry.Tests.Testing;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>Waiting for several: lists, dictionaries, gathered results, races. Programs over lists are in tests/Traces.</summary>
[TestClass]
public sealed class DeferredListTests
{
    [TestMethod]
    public void List_FiresWithHowEachEnded_InTheirOrder()
    {
        var first = new Deferred<string>();
        var second = new Deferred<string>();
        var list = new DeferredList<string>([first, second], consumeErrors: true);
        second.Callback("b");
        Assert.IsFalse(list.Called);
        first.Errback(new TimeoutException("a"));
        Assert.AreEqual("a b", ResultOf(list.AddCallback(all => string.Join(' ', all))));
        Assert.AreEqual("b", ResultOf(second), "a member keeps its result");
        Assert.IsNull(ResultOf(first), "a consumed failure leaves nothing");
    }

    [TestMethod]
    public void List_OfNone_FiresAtOnce_ButNotForAFirstSuccess()
    {
        Assert.IsEmpty(ResultOf(new DeferredList<int>([])));
        Assert.IsFalse(new DeferredList<int>([], fireOnOneCallback: true).Called);
    }

    [TestMethod]
    public void List_OfLists_IsNested()
    {
        Deferred<DeferredListResult<DeferredListResult<int>>> outer = new DeferredList<DeferredListResult<int>>(
            [new DeferredList<int>([Deferred.Succeed(1), Deferred.Succeed(2)]), new DeferredList<int>([])]);
        DeferredListResult<DeferredListResult<int>> result = ResultOf(outer);
        Assert.AreEqual(2, result[0].Value[1].Value);
        Assert.AreEqual(0, result[1].Value.Count);
    }

    [TestMethod]
    public void Member_KeepsItsResult_ForWhatIsAddedLater()
    {
        var member = new Deferred<int>();
        var list = new DeferredList<int>([member]);
        member.Callback(5);
        Assert.AreEqual(5, ResultOf(list)[0].Value);
        Assert.AreEqual(6, ResultOf(member.AddCallback(x => x + 1)));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ConsumeErrors_LeavesTheMemberWithNothing(bool consumeErrors)
    {
        var member = new Deferred<string>();
        var list = new DeferredList<string>([member], consumeErrors: consumeErrors);
        member.Errback(new TimeoutException());
        Assert.IsTrue(ResultOf(list)[0].Failure!.Check<TimeoutException>());
        if (consumeErrors)
        {
            Assert.IsNull(ResultOf(member));
        }
        else
        {
            Assert.IsTrue(FailureOf(member).Check<TimeoutException>());
        }
    }

    [TestMethod]
    public void FireOnOneCallback_GivesTheFirstSuccessAndItsPlace()
    {
        var slow = new Deferred<int>();
        var list = new DeferredList<int>([slow, Deferred.Succeed(5)], fireOnOneCallback: true);
        DeferredListResult<int> result = ResultOf(list);
        Assert.AreEqual(1, result.FirstIndex);
        Assert.AreEqual(5, result[0].Value);
        slow.Callback(6);
    }

    [TestMethod]
    public void FireOnOneErrback_FailsWithTheFirstErrorAndItsPlace()
    {
        var slow = new Deferred<int>();
        var list = new DeferredList<int>(
            [slow, Deferred.Fail<int>(new TimeoutException())], fireOnOneErrback: true, consumeErrors: true);
        FirstError first = FailureOf(list).Trap<FirstError>();
        Assert.AreEqual(1, first.Index);
        Assert.IsTrue(first.SubFailure.Check<TimeoutException>());
        slow.Callback(6);
    }

    [TestMethod]
    public void Cancel_CancelsEveryMember_EvenIfACancellerThrows()
    {
        bool stopped = false;
        var broken = new Deferred<int>(_ => throw new NotSupportedException("no way"));
        var second = new Deferred<int>(_ => stopped = true);
        var list = new DeferredList<int>([broken, second], consumeErrors: true);
        list.Cancel();
        Assert.IsTrue(stopped);
        Assert.HasCount(1, LostFailures.Take(), "what the canceller threw is reported");
        Assert.IsFalse(list.Called);
        broken.Callback(1);
        Assert.IsFalse(ResultOf(list)[1].Succeeded);
    }

    [TestMethod]
    public void ListOf_TakesMembersOfAnyType()
    {
        Deferred<DeferredListResult<object?>> list = Deferred.ListOf(Deferred.Succeed(1), Deferred.Succeed("two"));
        CollectionAssert.AreEqual(new object?[] { 1, "two" }, ResultOf(list).Select(outcome => outcome.Value).ToArray());
    }

    [TestMethod]
    public void GatherResults_GivesValuesOrTheFirstError()
    {
        CollectionAssert.AreEqual(new[] { 1, 2 }, ResultOf(Deferred.GatherResults([Deferred.Succeed(1), Deferred.Succeed(2)])));
        Assert.IsEmpty(ResultOf(Deferred.GatherResults<int>([])));
        Deferred<int[]> failed = Deferred.GatherResults(
            [Deferred.Succeed(1), Deferred.Fail<int>(new TimeoutException())], consumeErrors: true);
        Assert.AreEqual(1, FailureOf(failed).Trap<FirstError>().Index);
    }

    [TestMethod]
    public void Race_FirstSuccessWins_AndTheOthersAreCancelled()
    {
        bool stopped = false;
        var slow = new Deferred<string>(_ => stopped = true);
        var broken = new Deferred<string>();
        var quick = new Deferred<string>();
        Deferred<(int Index, string Value)> race = Deferred.Race([slow, broken, quick]);
        broken.Errback(new TimeoutException());
        Assert.IsFalse(race.Called);
        quick.Callback("won");
        Assert.AreEqual((2, "won"), ResultOf(race));
        Assert.IsTrue(stopped);
    }

    [TestMethod]
    public void Race_WithoutWinner_FailsWithAllFailures()
    {
        Deferred<(int Index, int Value)> race = Deferred.Race(
            [Deferred.Fail<int>(new TimeoutException()), Deferred.Fail<int>(new NotSupportedException())]);
        FailureGroup group = FailureOf(race).Trap<FailureGroup>();
        Assert.IsTrue(group.Failures[0].Check<TimeoutException>());
        Assert.IsTrue(group.Failures[1].Check<NotSupportedException>());
        Assert.ThrowsExactly<ArgumentException>(() => Deferred.Race<int>([]));
    }

    [TestMethod]
    public void Race_Cancelled_CancelsAll()
    {
        var one = new Deferred<int>();
        Deferred<(int Index, int Value)> race = Deferred.Race([one, new Deferred<int>()]);
        race.Cancel();
        Assert.HasCount(2, FailureOf(race).Trap<FailureGroup>().Failures);
    }

    [TestMethod]
    public void Dict_FiresWithHowEachEnded()
    {
        var slow = new Deferred<int>();
        var dict = new DeferredDict<string, int>(
            [new("slow", slow), new("quick", Deferred.Succeed(1)), new("bad", Deferred.Fail<int>(new TimeoutException()))],
            consumeErrors: true);
        slow.Callback(2);
        IReadOnlyDictionary<string, Outcome<int>> result = ResultOf(dict);
        Assert.HasCount(3, result);
        Assert.AreEqual(2, result["slow"].Value);
        Assert.AreEqual(1, result["quick"].Value);
        Assert.IsFalse(result["bad"].Succeeded);
    }

    [TestMethod]
    public void Dict_OfNone_FiresAtOnce_ButNotForAFirstSuccess()
    {
        Assert.IsEmpty(ResultOf(new DeferredDict<string, int>([])));
        Assert.IsFalse(new DeferredDict<string, int>([], fireOnOneCallback: true).Called);
    }

    [TestMethod]
    public void Dict_KeyTwice_IsRefusedBeforeAMemberIsTouched()
    {
        var member = new Deferred<int>();
        Assert.ThrowsExactly<ArgumentException>(() => new DeferredDict<string, int>([new("a", member), new("A", member)],
            comparer: StringComparer.OrdinalIgnoreCase));
        member.Callback(1);
        Assert.AreEqual(1, ResultOf(member));
    }

    [TestMethod]
    public void Dict_FireOnOneCallback_GivesThatOneAlone()
    {
        var dict = new DeferredDict<string, int>(
            [new("never", new Deferred<int>()), new("now", Deferred.Succeed(1))], fireOnOneCallback: true);
        Assert.AreEqual(1, ResultOf(dict).Single(entry => entry.Key == "now").Value.Value);
    }

    [TestMethod]
    public void Dict_FireOnOneErrback_TellsTheKey()
    {
        var dict = new DeferredDict<string, int>(
            [new("never", new Deferred<int>()), new("bad", Deferred.Fail<int>(new TimeoutException()))],
            fireOnOneErrback: true,
            consumeErrors: true);
        Assert.AreEqual("bad", FailureOf(dict).Trap<FirstError>().Key);
    }

    [TestMethod]
    public void Dict_WithoutConsumeErrors_LeavesTheFailureToTheMember()
    {
        var member = new Deferred<int>();
        var dict = new DeferredDict<string, int>([new("bad", member)]);
        member.Errback(new TimeoutException());
        Assert.IsTrue(dict.Called);
        Assert.IsTrue(FailureOf(member).Check<TimeoutException>());
    }

    [TestMethod]
    public void Dict_Cancelled_CancelsMembers_AndFiresWithWhatTheyComeTo()
    {
        var member = new Deferred<int>(deferred => deferred.Callback(9));
        var dict = new DeferredDict<string, int>([new("one", member), new("two", new Deferred<int>())], consumeErrors: true);
        dict.Cancel();
        IReadOnlyDictionary<string, Outcome<int>> result = ResultOf(dict);
        Assert.AreEqual(9, result["one"].Value);
        Assert.IsTrue(result["two"].Failure!.Check<CancelledError>());
    }
}
