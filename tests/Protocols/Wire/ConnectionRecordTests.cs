using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <summary>What the record of a connection says of its end.</summary>
[TestClass]
public sealed class ConnectionRecordTests
{
    [TestMethod]
    public void OutcomeOf_AnEnd_IsThatOfItsReason()
    {
        Assert.AreEqual(ConnectionOutcome.Whole, ConnectionRecord.OutcomeOf(new Failure(new ConnectionDone())));
        Assert.AreEqual(ConnectionOutcome.Timeout, ConnectionRecord.OutcomeOf(new Failure(new ConnectionTimedOut())));
        Assert.AreEqual(ConnectionOutcome.Stopped, ConnectionRecord.OutcomeOf(new Failure(new ConnectionAborted())));
        Assert.AreEqual(ConnectionOutcome.Left, ConnectionRecord.OutcomeOf(new Failure(new ConnectionLost(Errno.ECONNRESET))));
    }

    /// <summary>A callback of our own has thrown: the peer has not left, and the record is no probe's.</summary>
    [TestMethod]
    public void OutcomeOf_AnyOtherException_IsAFailure() =>
        Assert.AreEqual(ConnectionOutcome.Failed, ConnectionRecord.OutcomeOf(new Failure(new NotSupportedException())));
}
