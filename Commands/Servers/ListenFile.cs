using System.Text;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Thrown if a list of listeners is wrong or can't be read. At the start of a server that is wrong usage.</summary>
/// <param name="problem">One line for the user, without a full stop, naming the file.</param>
internal sealed class ListenFileError(string problem) : IOException(problem);

/// <summary>
/// The file of <c>--file</c>: lines of <c>[LISTEN=]WHAT</c>, with comments that begin with <c>#</c>, and blank lines. It is read
/// at the start, and again on SIGHUP.
/// </summary>
/// <param name="path">A regular file, in UTF-8.</param>
/// <param name="server">The options that complete the addresses of listeners.</param>
/// <param name="fallback">The address to listen on for a line that names none.</param>
internal sealed class ListenFile(string path, ServerOptions server, Endpoint fallback)
{
    /// <summary>The maximum length of the file. Chosen: ten thousand lines of a hundred bytes, more than a server has ports.</summary>
    private const int MaxBytes = 1024 * 1024;

    /// <summary>The maximum length of a line. Chosen: more than any path or list of mirrors, and short enough to be quoted in a
    /// message.</summary>
    private const int MaxLineChars = 4096;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the file at the start of a server. Blocks.</summary>
    /// <exception cref="ListenFileError">It is wrong, or can't be read.</exception>
    public ServedPoem[] Read()
    {
        var reading = new PoemReader(path, PoemFormat.Plain);
        reading.Finish();
        return Parse(reading);
    }

    /// <summary>Reads the file again, without blocking the loop while it is being written.</summary>
    /// <param name="clock">The reactor's clock.</param>
    /// <returns>Fires with the poems; fails with a <see cref="ListenFileError"/>. Cancelling it stops reading.</returns>
    public async Deferred<ServedPoem[]> Read(IClock clock) =>
        Parse(await new PoemReader(path, PoemFormat.Plain).Finish(clock));

    private ServedPoem[] Parse(PoemReader reading)
    {
        if (reading.Poem is not { } file)
        {
            // For a directory or a pipe the message speaks of a poem: it is replaced.
            bool isUnreadable = !reading.Problem.IsWrongUsage || reading.Problem.Sentence.StartsWith("no such", StringComparison.Ordinal);
            throw new ListenFileError(isUnreadable ? reading.Problem.Sentence : $"{path} is not a regular file");
        }

        try
        {
            return file.Length > MaxBytes
                ? throw new ListenFileError($"{path} is longer than {MaxBytes} bytes")
                : Parse(StrictUtf8.GetString(file.Parts[0].Span));
        }
        catch (DecoderFallbackException)
        {
            throw new ListenFileError($"{path} is not UTF-8");
        }
        finally
        {
            file.Release();
        }
    }

    private ServedPoem[] Parse(string text)
    {
        var poems = new List<ServedPoem>();
        var taken = new Dictionary<Endpoint, int>();
        int number = 0;
        foreach (string untrimmed in text.TrimStart('\uFEFF').Split('\n'))
        {
            string prefix = $"{path}: line {++number}: ";
            string line = untrimmed.Trim(' ', '\t', '\r');
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line.Length > MaxLineChars)
            {
                throw new ListenFileError($"{prefix}it is longer than {MaxLineChars} characters");
            }

            if (line.AsSpan().ContainsAnyInRange('\0', '\x1F'))
            {
                throw new ListenFileError($"{prefix}there is a control character in it");
            }

            if (!ListenArgument.TryParse(line, out ListenArgument? argument, out string? problem))
            {
                throw new ListenFileError(prefix + problem);
            }

            Endpoint listen = argument.Listen is null ? fallback : server.ListenAt(argument.Listen);
            if (listen.IsFixed && !taken.TryAdd(listen, number))
            {
                throw new ListenFileError($"{prefix}{listen} is in line {taken[listen]} already");
            }

            poems.Add(new ServedPoem(listen, argument.What, prefix));
        }

        return poems.Count > 0 ? [.. poems] : throw new ListenFileError($"{path}: there is nothing to serve in it");
    }
}
