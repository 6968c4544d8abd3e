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

    /// <summary>BPF_LD, linux/bpf_common.h: a load.</summary>
    public const ushort BPF_LD = 0x00;

    /// <summary>BPF_B, linux/bpf_common.h: of a byte.</summary>
    public const ushort BPF_B = 0x10;

    /// <summary>BPF_ABS, linux/bpf_common.h: at offset k.</summary>
    public const ushort BPF_ABS = 0x20;

    /// <summary>BPF_JMP, linux/bpf_common.h: a jump.</summary>
    public const ushort BPF_JMP = 0x05;

    /// <summary>BPF_JSET, linux/bpf_common.h: by jt instructions if a bit of k is set, else by jf.</summary>
    public const ushort BPF_JSET = 0x40;

    /// <summary>BPF_RET, linux/bpf_common.h: the end, with k bytes of the packet taken.</summary>
    public const ushort BPF_RET = 0x06;

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
