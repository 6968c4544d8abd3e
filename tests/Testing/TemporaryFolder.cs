using System.Text;

namespace Poetry.Tests.Testing;

/// <summary>A folder for one test, open to every user of the machine, and gone with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("poetry-");

    public TemporaryFolder()
    {
        const UnixFileMode Everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path, Everybody);
        }
    }

    public string Path => _folder.FullName;

    /// <summary>The names of all that is in it.</summary>
    public string[] Names => Array.ConvertAll(Directory.GetFileSystemEntries(Path), path => System.IO.Path.GetFileName(path));

    /// <summary>The path of something in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file, whole and by rename, as an editor would.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        string unfinished = this[name + ".unfinished"];
        File.WriteAllBytes(unfinished, bytes);
        File.Move(unfinished, this[name], overwrite: true);
        return this[name];
    }

    /// <inheritdoc cref="Write(string, ReadOnlySpan{byte})"/>
    public string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    /// <summary>Takes every right to a file away.</summary>
    public void Lock(string name)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(this[name], UnixFileMode.None);
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
