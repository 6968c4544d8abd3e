using System;
using System.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Commands;

namespace Poetry.Tests.Commands;

/// <summary>The help of every command, however it is asked for.</summary>
[TestClass]
public sealed class HelpTextTests
{
    [TestMethod]
    [DataRow("--help")]
    [DataRow("-h")]
    [DataRow("serve --help")]
    [DataRow("get 10001 -h")]
    [DataRow("completion --help")]
    [DataRow("help --help")]
    [DataRow("get abc --help", DisplayName = "help helps those who made a mistake")]
    public void Parse_Help_HasUsageAndExamplesAndFitsTheScreen(string line)
    {
        Invocation invocation = CommandLine.Parse(line.Split(' '), new AllCommands());
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(0, invocation.ExitCode);
        StringAssert.StartsWith(invocation.Text, "Usage: poetry ", StringComparison.Ordinal);
        StringAssert.Contains(invocation.Text, "\nExamples:\n", StringComparison.Ordinal);
        StringAssert.Contains(invocation.Text, "--help", StringComparison.Ordinal);
        Assert.IsFalse(invocation.Text.Split('\n').Any(l => l.Length > 80 || l.EndsWith(' ')), invocation.Text);
    }

    [TestMethod]
    public void Help_OfEveryOption_NamesItsDefault()
    {
        string help = CommandLine.Parse(["serve", "--help"], new AllCommands()).Text;
        string[] texts =
        [
            "--port N", "(default: 60)", "(default: 127.0.0.1)", "--log-level trace|debug|info|warn|error", "--metrics ADDRESS",
        ];
        foreach (string text in texts)
        {
            StringAssert.Contains(help, text, StringComparison.Ordinal);
        }
    }

    [TestMethod]
    [DataRow("help", "--help")]
    [DataRow("help transform", "transform --help")]
    [DataRow("help help", "help --help")]
    public void Parse_HelpAsACommand_IsThatOfTheOption(string line, string option)
    {
        Invocation invocation = CommandLine.Parse(line.Split(' '), new AllCommands());
        Assert.AreEqual(0, invocation.ExitCode);
        Assert.AreEqual(CommandLine.Parse(option.Split(' '), new AllCommands()).Text, invocation.Text);
    }
}
