using Poetry.Net;
using Poetry.Tests.Net;

namespace Poetry.Tests.Testing;

/// <summary>A bare descriptor of ours in a reactor: the reading end of two connected sockets, whose other end the test has.</summary>
internal sealed class PipeReader : Descriptor, IDisposable
{
    private readonly Reactor _reactor;
    private readonly SocketPair _pair;

    public PipeReader(Reactor reactor)
        : this(reactor, new SocketPair(AddressKind.Unix))
    {
    }

    private PipeReader(Reactor reactor, SocketPair pair)
        : base(pair.Server)
    {
        _reactor = reactor;
        _pair = pair;
        try
        {
            reactor.AddReader(this);
        }
        catch (System.IO.IOException)
        {
            // It would not be disposed.
            pair.Dispose();
            throw;
        }
    }

    public Action? OnRead { get; set; }

    public Action? OnWrite { get; set; }

    public Action? OnLost { get; set; }

    /// <summary>A mark of the test's own.</summary>
    public bool IsFresh { get; init; }

    public int ReadCount { get; private set; }

    public int WriteCount { get; private set; }

    public int LostCount { get; private set; }

    /// <summary>Makes it readable.</summary>
    public void Write(int count) =>
        Assert.AreEqual(Errno.None, NativeSocket.Send(_pair.Client, new byte[count], more: false, out _));

    public void CloseWriter() => _pair.CloseClient();

    public void Dispose()
    {
        _reactor.RemoveAll(this);
        _pair.Dispose();
    }

    protected internal override void DoRead()
    {
        ReadCount++;
        _ = NativeSocket.Receive(Handle, stackalloc byte[64], out _);
        OnRead?.Invoke();
    }

    protected internal override void DoWrite()
    {
        WriteCount++;
        OnWrite?.Invoke();
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        LostCount++;
        OnLost?.Invoke();
        _reactor.RemoveAll(this);
    }
}
