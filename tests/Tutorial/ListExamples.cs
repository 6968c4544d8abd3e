using System.Runtime.CompilerServices;
using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>deferred-list/: waiting for several at once.</summary>
[TestClass]
public sealed class ListExamples : TutorialExample
{
    [TestMethod]
    public void DeferredList1_None()
    {
        Print("Empty List.");
        var d = new DeferredList<string>([]);
        Print("Adding Callback.");
        d.AddCallback(GotResults);
        Expect("Empty List.", "Adding Callback.", "We got: []");
    }

    [TestMethod]
    public void DeferredList2_One()
    {
        Print("One Deferred.");
        var d1 = new Deferred<string>();
        var d = new DeferredList<string>([d1]);
        Print("Adding Callback.");
        d.AddCallback(GotResults);
        Print("Firing d1.");
        d1.Callback("d1 result");
        Expect("One Deferred.", "Adding Callback.", "Firing d1.", "We got: [(True, d1 result)]");
    }

    [TestMethod]
    public void DeferredList3_Two()
    {
        Print("Two Deferreds.");
        var d1 = new Deferred<string>();
        var d2 = new Deferred<string>();
        var d = new DeferredList<string>([d1, d2]);
        Print("Adding Callback.");
        d.AddCallback(GotResults);
        Print("Firing d1.");
        d1.Callback("d1 result");
        Print("Firing d2.");
        d2.Callback("d2 result");
        Expect(
            "Two Deferreds.", "Adding Callback.", "Firing d1.", "Firing d2.", "We got: [(True, d1 result), (True, d2 result)]");
    }

    [TestMethod]
    public void DeferredList4_TheOrderIsThatOfTheList()
    {
        Print("Two Deferreds.");
        var d1 = new Deferred<string>();
        var d2 = new Deferred<string>();
        var d = new DeferredList<string>([d1, d2]);
        Print("Adding Callback.");
        d.AddCallback(GotResults);
        Print("Firing d2.");
        d2.Callback("d2 result");
        Print("Firing d1.");
        d1.Callback("d1 result");
        Expect(
            "Two Deferreds.", "Adding Callback.", "Firing d2.", "Firing d1.", "We got: [(True, d1 result), (True, d2 result)]");
    }

    [TestMethod]
    public void DeferredList5_AFailureIsAResult()
    {
        OneSucceedsOneFails(consumeErrors: true, handled: false);
        PrintUnhandled();
        Expect(
            "Firing d1.", "Firing d2 with errback.",
            "We got: [(True, d1 result), (False, InvalidOperationException: d2 failure)]");
    }

    [TestMethod]
    public void DeferredList6_NotConsumed_ItIsReportedToo()
    {
        OneSucceedsOneFails(consumeErrors: false, handled: false);
        PrintUnhandled();
        Expect(
            "Firing d1.", "Firing d2 with errback.",
            "We got: [(True, d1 result), (False, InvalidOperationException: d2 failure)]",
            "Unhandled error in Deferred:", "InvalidOperationException: d2 failure");
    }

    [TestMethod]
    public void DeferredList7_HandledByTheMembersOwnErrback()
    {
        OneSucceedsOneFails(consumeErrors: false, handled: true);
        PrintUnhandled();
        Expect(
            "Firing d1.", "Firing d2 with errback.",
            "We got: [(True, d1 result), (False, InvalidOperationException: d2 failure)]");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void OneSucceedsOneFails(bool consumeErrors, bool handled)
    {
        var d1 = new Deferred<string>();
        var d2 = new Deferred<string>();
        var d = new DeferredList<string>([d1, d2], consumeErrors: consumeErrors);
        if (handled)
        {
            d2.AddErrback(_ => { });
        }

        d.AddCallback(GotResults);
        Print("Firing d1.");
        d1.Callback("d1 result");
        Print("Firing d2 with errback.");
        d2.Errback(new InvalidOperationException("d2 failure"));
    }

    private void GotResults(DeferredListResult<string> results) => Print($"We got: {Show(results)}");
}
