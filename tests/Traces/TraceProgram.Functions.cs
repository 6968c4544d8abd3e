using System.Text.Json;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Traces;

/// <summary>The functions of a program, and its coroutines: what is called, and what comes out of it.</summary>
internal sealed partial class TraceProgram<T>
{
    /// <summary>Calls a function of the program; without input if that is null.</summary>
    private Outcome<T> Call(JsonElement function, Outcome<object?>? input)
    {
        int id = function.GetProperty("f").GetInt32();
        Record(input is not { } given ? $"""["call",{id}]"""
            : $"""["{(given.Succeeded ? "cb" : "eb")}",{id},{TraceValues.Write(given)}]""");
        return Finish(function, input ?? default);
    }

    private Outcome<T> Finish(JsonElement function, Outcome<object?> input)
    {
        ActAll(function);
        JsonProperty outcome = function.GetProperty("ret").EnumerateObject().First();
        switch (outcome.Name)
        {
            case "const":
                return new Outcome<T>(flavour.Wrap(ValueOf(outcome.Value)));
            case "add":
                return input is { Succeeded: true, Value: int number }
                    ? new Outcome<T>(flavour.Wrap(unchecked(number + outcome.Value.GetInt32())))
                    : flavour.WrapOutcome(input);
            case "raise":
                throw new ProgramError(outcome.Value.GetString()!);
            case "fail":
                return new Outcome<T>(new Failure(new ProgramError(outcome.Value.GetString()!)));
            case "d":
                return new Outcome<T>(Use(outcome.Value.GetInt32()));
            default:
                throw new NotSupportedException($"FORMAT.md has no outcome {outcome.Name}");
        }
    }

    private Deferred<T> Use(int index)
    {
        Deferred<T> tail = _deferreds[index].Tail;
        TookFromTheMiddle |= tail.IsInterrupted();
        return tail;
    }

    private async Deferred<T> Coroutine(int index, JsonElement body)
    {
        object? last = 0;
        int k = -1;
        foreach (JsonElement step in body.EnumerateArray())
        {
            k++;
            JsonProperty what = step.EnumerateObject().First(property => property.Name != "catch");
            switch (what.Name)
            {
                case "await":
                case "value":
                    bool isValue = what.Name == "value";
                    Deferred<T> awaited = isValue
                        ? Deferred.Succeed(flavour.Wrap(ValueOf(what.Value)))
                        : Use(what.Value.GetInt32());
                    try
                    {
                        last = flavour.Unwrap(await awaited);
                        Record($"""["resume",{index},{k},{TraceValues.WriteValue(last)}]""");
                    }
                    catch (Exception exception)
                    {
                        Record($"""["resume",{index},{k},{TraceValues.WriteError(new Failure(exception))}]""");
                        if (!step.TryGetProperty("catch", out JsonElement catches) || !catches.GetBoolean())
                        {
                            throw;
                        }

                        last = -1;
                    }

                    break;
                case "do":
                    Act(what.Value);
                    break;
                case "raise":
                    throw new ProgramError(what.Value.GetString()!);
                case "return":
                    JsonProperty how = what.Value.EnumerateObject().First();
                    return flavour.Wrap(how.Name == "const" ? (object?)ValueOf(how.Value)
                        : last is int number ? unchecked(number + how.Value.GetInt32()) : last);
                default:
                    throw new NotSupportedException($"FORMAT.md has no step {what.Name}");
            }
        }

        return flavour.Wrap(null);
    }
}
