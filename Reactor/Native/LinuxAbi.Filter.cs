namespace Poetry.Net.Native;

/// <content>linux/filter.h: classic BPF programs on sockets, and the constants they need.</content>
internal static unsafe partial class LinuxAbi
{
    /// <summary>TCP_USER_TIMEOUT, netinet/tcp.h; tcp(7). Milliseconds.</summary>
    public const int TCP_USER_TIMEOUT = 18;

    /// <summary>SO_ATTACH_FILTER, asm-generic/socket.h; socket(7). The value is a <see cref="struct_sock_fprog"/>.</summary>
    public const int SO_ATTACH_FILTER = 26;

    /// <summary>SHUT_RD, sys/socket.h.</summary>
    public const int SHUT_RD = 0;

    /// <summary>BPF_LD | BPF_B | BPF_ABS, linux/bpf_common.h: loads the byte at offset k.</summary>
    public const ushort BPF_LD_B_ABS = 0x30;

    /// <summary>BPF_JMP | BPF_JSET | BPF_K, linux/bpf_common.h: skips jt instructions if a bit of k is set, else jf.</summary>
    public const ushort BPF_JMP_JSET_K = 0x45;

    /// <summary>BPF_RET | BPF_K, linux/bpf_common.h: takes k bytes of the packet.</summary>
    public const ushort BPF_RET_K = 0x06;

    /// <summary>TH_SYN, netinet/tcp.h.</summary>
    public const uint TH_SYN = 0x02;

    /// <summary>struct sock_filter, linux/filter.h.</summary>
    public struct struct_sock_filter
    {
        public ushort code;
        public byte jt;
        public byte jf;
        public uint k;
    }

    /// <summary>struct sock_fprog, linux/filter.h.</summary>
    public struct struct_sock_fprog
    {
        public ushort len;
        public struct_sock_filter* filter;
    }
}
