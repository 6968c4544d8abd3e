using System;
using System.Threading.Tasks;
using Microsoft.Testing.Platform.Builder;
using Poetry.Tests.Traces;

namespace Poetry.Tests;

/// <summary>The test program: runs the tests, or, told <c>traces [DIR]</c>, replays recorded programs and nothing else.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is ["traces", ..])
        {
            return TraceReplay.Run(arguments[1..], Console.Out);
        }

        ITestApplicationBuilder builder = await TestApplication.CreateBuilderAsync(arguments);
        builder.AddSelfRegisteredExtensions(arguments);
        using ITestApplication application = await builder.BuildAsync();
        return await application.RunAsync();
    }
}
