using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Calls for listening sockets.</content>
internal static unsafe partial class NativeSocket
{
    /// <summary>
    /// Sets the maximum time without an acknowledgement from the peer; then the TCP connection ends with ETIMEDOUT, since the
    /// peer has vanished. Connections inherit it from their listener. Linux only; other systems give up after some minutes.
    /// </summary>
    public static Errno SetAcknowledgeTimeout(nint handle, TimeSpan timeout) => OperatingSystem.IsLinux()
        ? SetOption(
            handle, CommonAbi.IPPROTO_TCP, LinuxAbi.TCP_USER_TIMEOUT, (int)Math.Min(timeout.TotalMilliseconds, int.MaxValue))
        : Errno.None;

    /// <summary>
    /// Keeps new connections out of the queue of a listening socket. The queued ones can still be accepted, and the socket can
    /// then be closed without resetting a connection. Linux only; on other systems it does nothing.
    /// </summary>
    /// <remarks>
    /// TCP: a filter drops SYN packets. The client sends its SYN again after a second, and is then refused. Handshakes whose
    /// SYN was taken before are completed. Unix sockets: connect is refused at once.
    /// </remarks>
    public static Errno RefuseNewConnections(nint listener, AddressKind kind)
    {
        if (!OperatingSystem.IsLinux())
        {
            return Errno.None;
        }

        if (kind == AddressKind.Unix)
        {
            return NativeDescriptor.Check(Libc.shutdown((int)listener, LinuxAbi.SHUT_RD));
        }

        // Load byte 13 of the TCP header, the flags. If SYN is set, drop the packet; otherwise accept it.
        Span<LinuxAbi.struct_sock_filter> dropSyn =
        [
            new() { code = LinuxAbi.BPF_LD | LinuxAbi.BPF_B | LinuxAbi.BPF_ABS, k = 13 },
            new() { code = LinuxAbi.BPF_JMP | LinuxAbi.BPF_JSET, jt = 0, jf = 1, k = LinuxAbi.TH_SYN },
            new() { code = LinuxAbi.BPF_RET, k = 0 },
            new() { code = LinuxAbi.BPF_RET, k = uint.MaxValue },
        ];
        fixed (LinuxAbi.struct_sock_filter* instructions = dropSyn)
        {
            var program = new LinuxAbi.struct_sock_fprog { len = (ushort)dropSyn.Length, filter = instructions };
            return SetOption(
                listener, LinuxAbi.SOL_SOCKET, LinuxAbi.SO_ATTACH_FILTER, &program, sizeof(LinuxAbi.struct_sock_fprog));
        }
    }
}
