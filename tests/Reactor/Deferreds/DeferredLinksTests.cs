using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// Aim: functions are called in the order in which they were added, whatever the line looks like inside. Method: lines around
/// the length from which on they know their end, whose functions add others and then go on, wait or pause; each notes its
/// number.
/// </summary>
[TestClass]
public sealed class DeferredLinksTests
{
    public static IEnumerable<object[]> Lines =>
        from length in new[] { 1, 2, 7, 8, 9, 10, 30 }
        from more in new[] { 0, 1, 7, 8, 9, 20 }
        from ending in new[] { "goes on", "waits", "pauses", "takes what is there" }
        select new object[] { length, more, ending };

    [TestMethod]
    [DynamicData(nameof(Lines))]
    public void Functions_AreCalledInTheOrderTheyWereAdded(int length, int more, string ending)
    {
        const int Adders = 3;
        var order = new List<int>();
        var deferred = new Deferred<int>();
        var inner = new Queue<Deferred<int>>();
        int added = 0;
        void Add()
        {
            int number = added++;
            deferred.AddCallback(value =>
            {
                order.Add(number);
                for (int i = 0; number < Adders && i < more; i++)
                {
                    Add();
                }

                switch (ending)
                {
                    case "waits":
                        inner.Enqueue(new Deferred<int>());
                        return inner.Peek();
                    case "pauses":
                        deferred.Pause();
                        break;
                    case "takes what is there":
                        return Deferred.Succeed(value);
                }

                return new Outcome<int>(value);
            });
        }

        for (int i = 0; i < length; i++)
        {
            Add();
        }

        deferred.Callback(0);
        while (inner.TryDequeue(out Deferred<int>? one))
        {
            Add();
            one.Callback(0);
            if (added > 200)
            {
                ending = "goes on";
            }
        }

        while (deferred.PauseCount() > 0)
        {
            deferred.Unpause();
        }

        CollectionAssert.AreEqual(Enumerable.Range(0, added).ToArray(), order);
        Assert.IsTrue(deferred.IsAtRest);
    }
}
