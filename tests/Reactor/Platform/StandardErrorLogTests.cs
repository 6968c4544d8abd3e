using System.IO.Pipes;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>The log of a reactor that was given none writes on the reactor's thread.</summary>
[TestClass]
[OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
public sealed class StandardErrorLogTests
{
    private const int HangMs = 20_000;

    /// <summary>A full pipe does not block it; what comes after the reader has read is written.</summary>
    [TestMethod]
    [Timeout(HangMs)]
    public void TryWrite_IntoAPipeThatIsFull_GivesUp()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        nint pipe = reader.ClientSafePipeHandle.DangerousGetHandle();
        byte[] text = new byte[10_000];
        int written = 0;
        while (StandardErrorLog.TryWrite(pipe, text, timeoutMs: 0) == Errno.None)
        {
            written += text.Length;
        }

        Assert.IsGreaterThan(0, written, "a pipe takes something");
        Assert.AreEqual(Errno.EAGAIN, StandardErrorLog.TryWrite(pipe, text, timeoutMs: 10));
        reader.ReadExactly(new byte[written]);
        Assert.AreEqual(Errno.None, StandardErrorLog.TryWrite(pipe, text, timeoutMs: 10));
    }

    [TestMethod]
    public void TryWrite_WithoutAReader_IsAnError()
    {
        var reader = new AnonymousPipeServerStream(PipeDirection.In);
        nint pipe = Testing.Posix.Duplicate(reader.ClientSafePipeHandle.DangerousGetHandle());
        reader.Dispose();
        Assert.AreEqual(Errno.EPIPE, StandardErrorLog.TryWrite(pipe, "a line\n"u8, timeoutMs: 10));
        Assert.AreEqual(Errno.None, NativeFile.Close(pipe));
    }
}
