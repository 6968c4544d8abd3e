using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>Services start in order and stop in the reverse order.</summary>
[TestClass]
public sealed class ServiceTests
{
    private readonly List<string> _events = [];
    private readonly MultiService _all = new();

    [TestMethod]
    public void MultiService_StartsInOrder_AndStopsInReverse()
    {
        var slow = new Deferred<int>();
        _all.AddService(new Recorder("a", _events));
        _all.AddService(new Recorder("b", _events) { Stopping = slow });
        _all.StartService();
        _all.AddService(new Recorder("c", _events));
        bool stopped = false;
        _ = _all.StopService().AddCallback(() => stopped = true);
        Assert.AreEqual("start a, start b, start c, stop c, stop b, stop a", string.Join(", ", _events));
        Assert.IsFalse(stopped, "b is still stopping");
        slow.Callback(0);
        Assert.IsTrue(stopped);
        Assert.IsFalse(_all.Running);
    }

    [TestMethod]
    public void MultiService_OneThatCannotStart_StopsThoseBefore()
    {
        _all.AddService(new Recorder("a", _events));
        _all.AddService(new Recorder("b", _events) { Fails = true });
        _ = Assert.ThrowsExactly<NotSupportedException>(_all.StartService);
        Assert.AreEqual("start a, stop a", string.Join(", ", _events));
        Assert.IsFalse(_all.Running);
    }

    [TestMethod]
    public void MultiService_OneThatFailsToStop_IsReported_AndTheOthersStop()
    {
        _all.AddService(new Recorder("a", _events));
        _all.AddService(new Recorder("b", _events) { Stopping = Deferred.Fail<int>(new NotSupportedException("stuck")) });
        _all.StartService();
        bool stopped = false;
        _ = _all.StopService().AddCallback(() => stopped = true);
        Assert.IsTrue(stopped);
        Assert.AreEqual("start a, start b, stop b, stop a", string.Join(", ", _events));
    }

    [TestMethod]
    public void StartService_Twice_IsRefused()
    {
        _all.StartService();
        _ = Assert.ThrowsExactly<InvalidOperationException>(_all.StartService);
    }

    private sealed class Recorder(string name, List<string> events) : Service
    {
        public Deferred? Stopping { get; init; }

        public bool Fails { get; init; }

        public override void StartService()
        {
            if (Fails)
            {
                throw new NotSupportedException();
            }

            base.StartService();
            events.Add($"start {name}");
        }

        public override Deferred StopService()
        {
            events.Add($"stop {name}");
            Deferred stopped = base.StopService();
            return Stopping?.AddErrback(_ => { }) ?? stopped;
        }
    }
}
