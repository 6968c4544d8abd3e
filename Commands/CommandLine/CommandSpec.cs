using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;

namespace Poetry.Commands;

/// <summary>Reads what a user typed for an option or an argument.</summary>
/// <param name="text">As typed.</param>
/// <param name="value">What it means.</param>
/// <param name="problem">One line on why it means nothing, quoting the text.</param>
internal delegate bool ValueParser<T>(
    string text,
    [MaybeNullWhen(false)] out T value,
    [NotNullWhen(false)] out string? problem);

/// <summary>
/// A command of System.CommandLine together with what that library has no place for: examples, defaults as they are typed,
/// the words that an option takes, and what to do once all has been read. Help, completion and the parser all look here.
/// </summary>
internal sealed class CommandSpec(string name, string description) : Command(name, description)
{
    private readonly Dictionary<Symbol, ValueSpec> _values = [];

    /// <summary>The command's name with those above it: <c>poetry get</c>.</summary>
    public string FullName { get; private set; } = name;

    /// <summary>Command lines that can be pasted, and a word on each.</summary>
    public (string Line, string Meaning)[] Examples { get; init; } = [];

    /// <summary>Turns what was read into a call of the command; null for the root, which is none.</summary>
    public Func<ParseResult, Invocation>? Bind { get; set; }

    /// <summary>Adds a command below this one.</summary>
    public void Add(CommandSpec command)
    {
        command.FullName = $"{FullName} {command.Name}";
        base.Add(command);
    }

    /// <summary>Declares an option that is there or not.</summary>
    public Option<bool> Flag(string name, string description, params string[] aliases)
    {
        var option = new Option<bool>(name, aliases) { Description = description };
        Add(option);
        return option;
    }

    /// <summary>Declares an option with a value.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="placeholder">What help calls the value.</param>
    /// <param name="description">Without its default, which help adds.</param>
    /// <param name="fallback">The default as a user would type it; null if there is none.</param>
    /// <param name="parser">Reads the value, and the default too.</param>
    /// <param name="takesFile">Does completion offer files?</param>
    /// <param name="aliases">Short names.</param>
    public Option<T> Value<T>(
        string name,
        string placeholder,
        string description,
        string? fallback,
        ValueParser<T> parser,
        bool takesFile = false,
        params string[] aliases)
    {
        var option = new Option<T>(name, aliases)
        {
            Description = description,
            HelpName = placeholder,
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = result => Read(result, name, parser),
        };
        if (fallback is not null)
        {
            option.DefaultValueFactory = _ => ReadFallback(fallback, parser);
        }

        return Declare(option, new ValueSpec(fallback, [], takesFile));
    }

    /// <summary>Declares an option whose value is one of a few words.</summary>
    /// <returns>An option that gives the word; <see cref="Array.IndexOf{T}(T[], T)"/> finds its meaning.</returns>
    public Option<string> Choice(string name, string description, string fallback, params string[] words)
    {
        string all = string.Join('|', words);
        var option = new Option<string>(name)
        {
            Description = description,
            HelpName = all,
            Arity = ArgumentArity.ExactlyOne,
            DefaultValueFactory = _ => fallback,
            CustomParser = result => Read<string>(
                result,
                name,
                (string text, [MaybeNullWhen(false)] out string value, [NotNullWhen(false)] out string? problem) =>
                {
                    value = text;
                    problem = Array.IndexOf(words, text) < 0 ? $"'{text}' is not one of {all}" : null;
                    return problem is null;
                }),
        };
        return Declare(option, new ValueSpec(fallback, words, takesFile: false));
    }

    /// <summary>Declares the arguments of the command, any number of them.</summary>
    /// <param name="placeholder">What help calls one.</param>
    /// <param name="description">What they are.</param>
    /// <param name="parser">Reads one.</param>
    /// <param name="takesFile">Does completion offer files?</param>
    /// <param name="words">What completion offers besides.</param>
    public Argument<T[]> Many<T>(
        string placeholder,
        string description,
        ValueParser<T> parser,
        bool takesFile = false,
        params string[] words)
    {
        var argument = new Argument<T[]>(placeholder)
        {
            Description = description,
            Arity = ArgumentArity.ZeroOrMore,
            CustomParser = result =>
            {
                var values = new T[result.Tokens.Count];
                for (int i = 0; i < values.Length; i++)
                {
                    if (!parser(result.Tokens[i].Value, out values[i]!, out string? problem))
                    {
                        result.AddError(problem);
                        break;
                    }
                }

                return values;
            },
        };
        Add(argument);
        _values.Add(argument, new ValueSpec(null, words, takesFile));
        return argument;
    }

    /// <summary>What is known of a value beyond its parser; the default for a flag.</summary>
    public ValueSpec SpecOf(Symbol symbol) => _values.GetValueOrDefault(symbol);

    private static T? Read<T>(ArgumentResult result, string name, ValueParser<T> parser)
    {
        // Two values are another mistake, which the library has noted already.
        if (result.Tokens.Count == 1 && !parser(result.Tokens[0].Value, out T? value, out string? problem))
        {
            result.AddError($"{name}: {problem}");
            return default;
        }

        return result.Tokens.Count == 1 && parser(result.Tokens[0].Value, out value, out _) ? value : default;
    }

    private static T ReadFallback<T>(string text, ValueParser<T> parser) =>
        parser(text, out T? value, out string? problem) ? value : throw new InvalidOperationException(problem);

    private Option<T> Declare<T>(Option<T> option, ValueSpec spec)
    {
        Add(option);
        _values.Add(option, spec);
        return option;
    }
}

/// <summary>What help and completion know of the value of an option or argument.</summary>
internal readonly struct ValueSpec(string? fallback, string[]? words, bool takesFile)
{
    /// <summary>The default as a user would type it, or null.</summary>
    public string? Fallback => fallback;

    /// <summary>All that it can be, if those are few.</summary>
    public ReadOnlySpan<string> Words => words;

    /// <summary>Is it the name of a file?</summary>
    public bool TakesFile => takesFile;
}
