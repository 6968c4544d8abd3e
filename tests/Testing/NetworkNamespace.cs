using System.Diagnostics;

namespace Poetry.Tests.Testing;

/// <summary>
/// A network of its own, with a loopback interface and nothing else: recipes with fixed ports run in it unchanged, beside
/// other tests. It exists for as long as this object.
/// </summary>
internal sealed class NetworkNamespace : IDisposable
{
    private readonly Process _holder;

    /// <summary>Makes one; where that is not allowed, the test is skipped.</summary>
    /// <param name="folder">Where its programs run.</param>
    public NetworkNamespace(string folder)
    {
        string[] unshare = [Posix.Tool("unshare"), "-rn", "sh", "-c", "ip link set lo up && echo ready && read -r _"];
        _holder = ToolRun.Start(folder, unshare);
        if (_holder.StandardOutput.ReadLine() != "ready")
        {
            string problem = _holder.StandardError.ReadToEnd();
            Dispose();
            Assert.Inconclusive($"no network namespace can be made here: {problem}");
        }

        Through = ["nsenter", "--target", $"{_holder.Id}", "--user", "--net", "--preserve-credentials"];
    }

    /// <summary>A command that runs the command after it inside.</summary>
    public string[] Through { get; }

    public void Dispose()
    {
        try
        {
            _holder.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }

        _holder.WaitForExit();
        _holder.Dispose();
    }
}
