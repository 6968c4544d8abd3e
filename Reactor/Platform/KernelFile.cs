using System.Buffers.Text;

namespace Poetry.Net;

/// <summary>Reads figures from Linux's text files: those of /proc and of control groups. Reading allocates nothing.</summary>
internal static class KernelFile
{
    /// <summary>The maximum number of bytes read. In the files used here, the fields that are searched for come before it.</summary>
    public const int MaxBytes = 8 * 1024;

    /// <summary>Reads the number that follows a name at the start of a line; without a name, the first line is the number.</summary>
    public static bool Field(string path, ReadOnlySpan<byte> name, out long value)
    {
        ReadOnlySpan<byte> text = Read(path, stackalloc byte[MaxBytes]);
        foreach (Range line in text.Split((byte)'\n'))
        {
            if (text[line].StartsWith(name))
            {
                ReadOnlySpan<byte> number = text[line][name.Length..].Trim(" \tkB"u8);
                return Utf8Parser.TryParse(number, out value, out int length) && length == number.Length;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>Reads the start of a file. The result is empty if the file can't be read.</summary>
    public static ReadOnlySpan<byte> Read(string path, Span<byte> buffer)
    {
        int length = 0;
        if (NativeFile.OpenForReading(path, out nint file) == Errno.None)
        {
            while (length < buffer.Length && NativeFile.Read(file, buffer[length..], out int read) == Errno.None && read > 0)
            {
                length += read;
            }

            _ = NativeFile.Close(file);
        }

        return buffer[..length];
    }
}
