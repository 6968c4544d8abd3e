using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// A poem for a file. It is written beside its place, under a name of its own, and gets its name when it is whole, so
/// that nobody ever sees a part of it. A device or a pipe that is already there is written to as it is.
/// </summary>
internal sealed class PoemFile : PoemOutput
{
    /// <summary>Names that may be taken by what another process left behind.</summary>
    private const int MaxAttempts = 100;

    private static int _lastNumber;

    private readonly string _path;
    private readonly string _writtenPath;
    private readonly nint _handle;
    private bool _isOpen = true;
    private bool _hasWritten;

    private PoemFile(string path, string writtenPath, nint handle)
    {
        _path = path;
        _writtenPath = writtenPath;
        _handle = handle;
    }

    /// <summary>Only what goes into a pipe or device is past taking back.</summary>
    public override bool HasShown => _path == _writtenPath && _hasWritten;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be in the end.</param>
    /// <param name="file">The file, or null.</param>
    public static OutputResult TryCreate(string path, out PoemFile? file)
    {
        string written = path;
        Errno error = IsSpecial(path)
            ? StandardStreams.OpenForWriting(path, out nint handle)
            : CreateBeside(path, out written, out handle);
        file = error == Errno.None ? new PoemFile(path, written, handle) : null;
        return Result(path, error);
    }

    /// <summary>
    /// Names the files for poems that go into a directory: <c>HOST_PORT.txt</c>, with a number before the end where an
    /// address comes again.
    /// </summary>
    /// <param name="directory">Where they go.</param>
    /// <param name="addresses">Where they come from.</param>
    /// <returns>A path for each, no two the same.</returns>
    public static string[] PathsIn(string directory, ReadOnlySpan<Endpoint> addresses)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var paths = new string[addresses.Length];
        for (int i = 0; i < paths.Length; i++)
        {
            Endpoint address = addresses[i];
            string stem = address.IsUnix
                ? $"unix_{address.UnixPath}"
                : string.Create(CultureInfo.InvariantCulture, $"{address.Host}_{address.Port}");

            // No name may lead out of the directory, and a colon means more than itself on Windows.
            stem = stem.Replace('/', '_').Replace('\\', '_').Replace(':', '-');
            string name = $"{stem}.txt";
            for (int number = 2; !taken.Add(name); number++)
            {
                name = string.Create(CultureInfo.InvariantCulture, $"{stem}.{number}.txt");
            }

            paths[i] = Path.Join(directory, name);
        }

        return paths;
    }

    /// <inheritdoc/>
    public override OutputResult Write(ReadOnlySpan<byte> bytes)
    {
        Errno error = StandardStreams.WriteAll(_handle, bytes, out int written);
        _hasWritten |= written > 0;
        return Result(_path, error);
    }

    /// <summary>Closes it: that may be where a full disk or a quota of another machine is told.</summary>
    public override OutputResult Seal() => Result(_path, Close());

    /// <inheritdoc/>
    public override OutputResult Commit()
    {
        Errno error = Close();
        if (error == Errno.None && _writtenPath != _path)
        {
            error = NativeFile.Rename(_writtenPath, _path);
        }

        if (error != Errno.None)
        {
            Abort();
        }

        return Result(_path, error);
    }

    /// <inheritdoc/>
    public override void Abort()
    {
        _ = Close();
        if (_writtenPath != _path)
        {
            // If the directory has gone or may not be written to any more, there is nothing that could be done.
            _ = NativeFile.Unlink(_writtenPath);
        }
    }

    /// <summary>
    /// Is there something that may not be replaced: a device, a pipe, a socket? What lives in /dev and /proc is, even if
    /// it leads to an ordinary file as /dev/stdout may.
    /// </summary>
    public static bool IsSpecial(string path)
    {
        string full = Path.GetFullPath(path);
        bool isThere = NativeFile.StatusOf(path, out FileStatus status) == Errno.None;
        return isThere
            && (full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal)
                || status.Kind is FileKind.Fifo or FileKind.CharacterDevice or FileKind.Socket or FileKind.Other);
    }

    /// <summary>A new file (never one that somebody put there) in the same directory, so that a rename moves it.</summary>
    private static Errno CreateBeside(string path, out string written, out nint handle)
    {
        string? directory = Path.GetDirectoryName(path);
        Errno error;
        int attempts = 0;
        do
        {
            written = Path.Join(
                string.IsNullOrEmpty(directory) ? "." : directory,
                string.Create(CultureInfo.InvariantCulture, $".poetry-{Environment.ProcessId}-{++_lastNumber}.tmp"));
            error = NativeFile.CreateNew(written, out handle);
        }
        while (error == Errno.EEXIST && ++attempts < MaxAttempts);
        if (error == Errno.None)
        {
            CopyMode(path, written);
        }

        return error;
    }

    /// <summary>A file that takes the place of another is for the same eyes.</summary>
    private static void CopyMode(string from, string to)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(from))
        {
            return;
        }

        try
        {
            File.SetUnixFileMode(to, File.GetUnixFileMode(from));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It went away meanwhile, or is another's: then the new one is as new files are.
        }
    }

    private static OutputResult Result(string path, Errno error) =>
        error == Errno.None ? default : OutputResult.Failed($"cannot write {path}: {error.Sentence()}");

    private Errno Close()
    {
        Errno error = _isOpen ? NativeFile.Close(_handle) : Errno.None;
        _isOpen = false;
        return error;
    }
}
