using System.Diagnostics;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>What the tests of docs/deploy share: a network in which the fixed ports of the recipes are free.</summary>
public abstract class DeployTests : NativeTests
{
    internal NetworkNamespace Network { get; private set; } = null!;

    [TestInitialize]
    public void OpenNetwork() => Network = Own(new NetworkNamespace(Folder.Path));

    /// <summary>The path of a recipe.</summary>
    internal static string Recipe(string name) => Path.Combine(Repository.Root, "docs", "deploy", name);

    /// <summary>Starts poetry in the network.</summary>
    internal NativeBinary StartInside(params string[] arguments) => Start(new Launch(arguments) { Through = Network.Through });

    /// <summary>Starts a server in the network and waits until it is ready.</summary>
    internal NativeBinary ServeInside(params string[] arguments)
    {
        NativeBinary server = StartInside(arguments);
        _ = server.Output.WaitForLines(1);
        return server;
    }

    /// <summary>Starts another program in the network. It ends with the test.</summary>
    internal Process StartTool(params string[] command)
    {
        Process process = ToolRun.Start(Folder.Path, [.. Network.Through, .. command]);
        _ = Own(new Killing(process));
        return process;
    }

    /// <summary>Runs another program in the network to its end.</summary>
    internal Finished RunTool(params string[] command) => ToolRun.Run(Folder.Path, [.. Network.Through, .. command]);

    /// <summary>Downloads a poem in the network.</summary>
    internal Finished Get(string address, params string[] options) => StartInside(["get", "--quiet", .. options, address]).WaitForExit();

    private sealed class Killing(Process process) : IDisposable
    {
        public void Dispose()
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
    }
}
