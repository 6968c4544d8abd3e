using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Tests.Traces;

/// <summary>An error of a program: E1 to E5, or whatever a program names.</summary>
internal sealed class ProgramError(string name) : Exception(name);

/// <summary>The result of a list: how each member ended.</summary>
internal sealed record ListValue(Outcome<object?>[] Outcomes);

/// <summary>The result of gathered results.</summary>
internal sealed record GatheredValue(Outcome<object?>[] Outcomes);

/// <summary>The result of a list that fires with its first success.</summary>
internal sealed record OneValue(object? Value, int Index);

/// <summary>A lock or a semaphore.</summary>
internal sealed record PrimitiveValue(int Index);

/// <summary>Values and errors as FORMAT.md writes them.</summary>
internal static class TraceValues
{
    public static string Write(Outcome<object?> outcome) =>
        outcome.Failure is { } failure ? WriteError(failure) : WriteValue(outcome.Value);

    public static string WriteValue(object? value) => value switch
    {
        null => "null",
        int number => number.ToString(CultureInfo.InvariantCulture),
        OneValue one => $$"""{"one":[{{WriteValue(one.Value)}},{{one.Index}}]}""",
        PrimitiveValue primitive => $$"""{"prim":{{primitive.Index}}}""",
        ListValue list => WriteList("list", list.Outcomes, static outcome =>
            outcome.Succeeded ? $"[true,{WriteValue(outcome.Value)}]" : $"[false,{WriteError(outcome.Failure)}]"),
        GatheredValue { Outcomes.Length: 0 } => """{"list":[]}""",
        GatheredValue gathered => WriteList("values", gathered.Outcomes, static outcome => WriteValue(outcome.Value)),
        _ => throw new InvalidOperationException($"no program knows a {value.GetType()}"),
    };

    public static string WriteError(Failure failure) => failure.Exception is FirstError first
        ? $$"""{"err":"FirstError","index":{{first.Index}},"inner":{{WriteError(first.SubFailure)}}}"""
        : $$"""{"err":"{{NameOf(failure.Exception)}}"}""";

    public static string NameOf(Exception exception) =>
        exception is ProgramError error ? error.Message : exception.GetType().Name;

    private static string WriteList(string key, Outcome<object?>[] outcomes, Func<Outcome<object?>, string> write)
    {
        var text = new StringBuilder($$"""{"{{key}}":[""");
        for (int i = 0; i < outcomes.Length; i++)
        {
            text.Append(i == 0 ? string.Empty : ",").Append(write(outcomes[i]));
        }

        return text.Append("]}").ToString();
    }
}
