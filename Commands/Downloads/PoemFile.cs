using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The file for a poem. The poem is written to a temporary file in the same directory, which is renamed when it is complete: no
/// other process ever sees a part of it. A device or a pipe is written to directly.
/// </summary>
internal sealed class PoemFile : PoemOutput
{
    /// <summary>The maximum number of temporary names to try: another process may have left files with such names.</summary>
    private const int MaxAttempts = 100;

    private static int _lastNumber;

    private readonly string _path;
    private readonly string _writtenPath;
    private readonly nint _handle;
    private readonly bool _syncs;
    private string? _oldName;
    private bool _canUndo;
    private bool _isPublished;
    private bool _isOpen = true;
    private bool _hasWritten;

    private PoemFile(string path, string writtenPath, nint handle, bool syncs)
    {
        _path = path;
        _writtenPath = writtenPath;
        _handle = handle;
        _syncs = syncs;
    }

    public override string Name => _path;

    /// <summary>True if bytes went to a pipe or a device: they can't be taken back.</summary>
    public override bool HasShown => _path == _writtenPath && _hasWritten;

    /// <summary>Creates the temporary file, or opens the device or the pipe.</summary>
    /// <param name="path">The name of the complete file; links are followed.</param>
    /// <param name="syncs">True to flush file and directory to the disk before the poem counts as written.</param>
    /// <param name="file">The file, or null after a failure.</param>
    public static Errno TryCreate(string path, bool syncs, out PoemFile? file)
    {
        string resolved = OutputPath.Resolve(path);
        string written = resolved;
        nint handle = 0;
        bool isSpecial = OutputPath.IsSpecial(path);
        Errno error = isSpecial
            ? StandardStreams.OpenForWriting(resolved, out handle)
            : MakeBeside(resolved, name => NativeFile.CreateNew(name, out handle), out written);
        file = error == Errno.None ? new PoemFile(resolved, written, handle, syncs && !isSpecial) : null;
        if (error == Errno.None && !isSpecial)
        {
            CopyMode(resolved, written);
        }

        return error;
    }

    /// <summary>
    /// Names the files for poems in a directory: <c>HOST_PORT.txt</c> of the first mirror, with a number where an address is
    /// repeated.
    /// </summary>
    /// <returns>A path for each address; all are different.</returns>
    public static string[] PathsIn(string directory, ReadOnlySpan<PoemMirrors> addresses)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var paths = new string[addresses.Length];
        for (int i = 0; i < paths.Length; i++)
        {
            Endpoint address = addresses[i].First;
            string stem = address.IsUnix ? $"unix_{address.UnixPath}" : $"{address.Host}_{address.Port}";

            // No name may lead out of the directory, and a colon has a meaning on Windows.
            stem = stem.Replace('/', '_').Replace('\\', '_').Replace(':', '-');

            // Programs take a name that begins with a dash for an option. That of [::1] would.
            stem = stem.StartsWith('-') ? $"_{stem}" : stem;
            string name = $"{stem}.txt";
            for (int number = 2; !taken.Add(name); number++)
            {
                name = $"{stem}.{number}.txt";
            }

            paths[i] = Path.Join(directory, name);
        }

        return paths;
    }

    public override Errno Write(ReadOnlySpan<byte> bytes)
    {
        Errno error = StandardStreams.WriteAll(_handle, bytes, out int written);
        _hasWritten |= written > 0;
        return error;
    }

    /// <summary>Closes the file. Some file systems report a full disk or a quota only then.</summary>
    public override Errno Seal()
    {
        Errno error = _syncs && _isOpen ? NativeFile.Sync(_handle) : Errno.None;
        Errno closing = Close();
        return error != Errno.None ? error : closing;
    }

    /// <summary>
    /// Checks that the file can still get its name. Links the file that has the name now to a second name, from which
    /// <see cref="Undo"/> restores it.
    /// </summary>
    public Errno Prepare()
    {
        Errno error = NativeFile.StatusOf(_writtenPath, out _);
        error = error == Errno.None ? OutputPath.Check(_path) : error;
        if (error == Errno.None)
        {
            Errno kept = MakeBeside(_path, name => NativeFile.Link(_path, name), out string name);
            _oldName = kept == Errno.None ? name : null;
            _canUndo = kept is Errno.None or Errno.ENOENT;
        }

        return error;
    }

    /// <summary>Renames the finished file into place. <see cref="Commit"/> or <see cref="Undo"/> has to follow.</summary>
    public Errno Publish()
    {
        Errno error = Seal();
        error = error == Errno.None && _writtenPath != _path ? NativeFile.Rename(_writtenPath, _path) : error;
        _isPublished = error == Errno.None;
        return _isPublished && _syncs ? NativeFile.SyncDirectory(DirectoryOf(_path)) : error;
    }

    /// <summary>Undoes the rename, and restores the file that had the name before.</summary>
    /// <returns>The path if that is not possible: some file systems have no hard links. Null otherwise.</returns>
    public string? Undo()
    {
        bool isUndone = !_isPublished
            || (_canUndo && (_oldName is null ? NativeFile.Unlink(_path) : NativeFile.Rename(_oldName, _path)) == Errno.None);
        _isPublished = false;
        ForgetOld();
        return isUndone ? null : _path;
    }

    public override Errno Commit()
    {
        Errno error = _isPublished ? Errno.None : Publish();
        ForgetOld();
        if (error != Errno.None)
        {
            Abort();
        }

        return error;
    }

    public override void Abort()
    {
        _ = Close();
        if (_writtenPath != _path)
        {
            // A failure means that the directory is gone or read-only now: the file stays.
            _ = NativeFile.Unlink(_writtenPath);
        }
    }

    private static string DirectoryOf(string path) => Path.GetDirectoryName(path) is { Length: > 0 } directory ? directory : ".";

    /// <summary>Makes a file with a temporary name in the same directory, so that a rename can move it.</summary>
    /// <param name="path">The name that the file gets at the end.</param>
    /// <param name="make">Makes the file; fails with EEXIST if the name exists.</param>
    /// <param name="name">The temporary name.</param>
    private static Errno MakeBeside(string path, Func<string, Errno> make, out string name)
    {
        Errno error;
        int attempts = 0;
        do
        {
            name = Path.Join(DirectoryOf(path), $".poetry-{Environment.ProcessId}-{++_lastNumber}.tmp");
            error = make(name);
        }
        while (error == Errno.EEXIST && ++attempts < MaxAttempts);
        return error;
    }

    /// <summary>Gives a file the permissions of the one that it replaces.</summary>
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
            // The old file was removed meanwhile, or has another owner: the new file keeps its default permissions.
        }
    }

    private void ForgetOld()
    {
        if (_oldName is not null)
        {
            _ = NativeFile.Unlink(_oldName);
            _oldName = null;
        }
    }

    private Errno Close()
    {
        Errno error = _isOpen ? NativeFile.Close(_handle) : Errno.None;
        _isOpen = false;
        return error;
    }
}
