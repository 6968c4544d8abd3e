using Microsoft.Testing.Platform.Builder;
using Poetry.Tests.Protocols;
using Poetry.Tests.Testing;
using Poetry.Tests.Traces;

namespace Poetry.Tests;

/// <summary>The test program: runs the tests, or, told <c>traces [DIR]</c>, replays recorded programs and nothing else; told <c>scale</c>, lets
/// fleets of proxies grow.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is ["traces", ..])
        {
            return TraceReplay.Run(arguments[1..], Console.Out);
        }

        if (arguments is ["scale", ..])
        {
            return FleetGrowth.Run(arguments[1..], Console.Out);
        }

        arguments = WithoutSacrifices(arguments);
        ITestApplicationBuilder builder = await TestApplication.CreateBuilderAsync(arguments);
        builder.AddSelfRegisteredExtensions(arguments);
        using ITestApplication application = await builder.BuildAsync();
        return await application.RunAsync();
    }

    /// <summary>Leaves out the tests that are made to fail, unless the filter asks for them.</summary>
    private static string[] WithoutSacrifices(string[] arguments)
    {
        const string Option = "--filter";
        const string Others = $"TestCategory!={SacrificialTests.Category}";
        int at = Array.IndexOf(arguments, Option) + 1;
        if (at == 0)
        {
            return [.. arguments, Option, Others];
        }

        if (at < arguments.Length && !arguments[at].Contains(SacrificialTests.Category, StringComparison.Ordinal))
        {
            arguments[at] = $"({arguments[at]})&{Others}";
        }

        return arguments;
    }
}
