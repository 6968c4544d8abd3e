using System.IO;
using System.Text;

namespace Poetry.Commands;

/// <summary>The licenses of what the program is built on: the file THIRD-PARTY-NOTICES, which the executable carries.</summary>
internal static class Notices
{
    public static string Text()
    {
        using Stream file = typeof(Notices).Assembly.GetManifestResourceStream("THIRD-PARTY-NOTICES")!;
        byte[] utf8 = new byte[file.Length];
        file.ReadExactly(utf8);
        return Encoding.UTF8.GetString(utf8);
    }
}
