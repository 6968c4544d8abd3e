using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Microsoft.Win32.SafeHandles;
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
    private readonly SafeFileHandle _handle;
    private bool _hasWritten;

    private PoemFile(string path, string writtenPath, SafeFileHandle handle)
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
        try
        {
            file = FileKinds.Of(path) == FileKind.Special
                ? new PoemFile(path, path, File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                : CreateBeside(path);
            return default;
        }
        catch (Exception exception) when (FileKinds.IsOrdinary(exception))
        {
            file = null;
            return Failed(path, exception);
        }
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
        // RandomAccess can't write to pipes, and FileStream buffers what should be on its way.
        int error = StandardStreams.WriteAll((int)_handle.DangerousGetHandle(), bytes, out int written);
        _hasWritten |= written > 0;
        return error == 0 ? default : OutputResult.Failed($"cannot write {_path}: {StandardStreams.Describe(error)}");
    }

    /// <inheritdoc/>
    public override OutputResult Commit()
    {
        try
        {
            _handle.Dispose();
            if (_writtenPath != _path)
            {
                File.Move(_writtenPath, _path, overwrite: true);
            }

            return default;
        }
        catch (Exception exception) when (FileKinds.IsOrdinary(exception))
        {
            Abort();
            return Failed(_path, exception);
        }
    }

    /// <inheritdoc/>
    public override void Abort()
    {
        _handle.Dispose();
        if (_writtenPath == _path)
        {
            return;
        }

        try
        {
            File.Delete(_writtenPath);
        }
        catch (Exception exception) when (FileKinds.IsOrdinary(exception))
        {
            // The directory has gone or may not be written to any more: then there is nothing that could be done.
        }
    }

    /// <summary>A new file (O_EXCL: never one that somebody put there) in the same directory, so that a rename moves it.</summary>
    private static PoemFile CreateBeside(string path)
    {
        string directory = Path.GetDirectoryName(path) is { Length: > 0 } name ? name : ".";
        for (int attempt = 1; ; attempt++)
        {
            string temporary = Path.Join(
                directory,
                string.Create(CultureInfo.InvariantCulture, $".poetry-{Environment.ProcessId}-{++_lastNumber}.tmp"));
            try
            {
                return new PoemFile(path, temporary, File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write));
            }
            catch (IOException) when (attempt < MaxAttempts && FileKinds.Of(temporary) != FileKind.Missing)
            {
                // The name is taken; the next one may be free.
            }
        }
    }

    private static OutputResult Failed(string path, Exception exception) =>
        OutputResult.Failed($"cannot write {path}: {FileKinds.Describe(exception)}");
}
