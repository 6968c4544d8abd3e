using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

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
/// What the methods that declare options read their parameters with. It keeps the first problem; after one, what was read
/// is of no use, but reading goes on without harm.
/// </summary>
internal sealed class Binding(CommandWords words)
{
    private Invocation? _invocation;
    private string? _problem;

    public CommandWords Words => words;

    /// <summary>True if something typed was wrong.</summary>
    public bool HasFailed => _problem is not null;

    /// <summary>What came of it all.</summary>
    public Invocation Invocation =>
        _problem is null ? _invocation! : Invocation.Refuse(words.Command.FullName, _problem);

    /// <summary>Reads the value of an option.</summary>
    /// <param name="text">A parameter of the method; its name is that of the option.</param>
    /// <param name="parser">What reads it; the default too.</param>
    /// <param name="check">Says what is wrong with a value that was read, after the text; null for nothing.</param>
    /// <param name="parameter">Given by the compiler.</param>
    /// <returns>The default of the type if there is no value, or if it means nothing.</returns>
    public T? Read<T>(
        string? text,
        ValueParser<T> parser,
        Func<T, string?>? check = null,
        [CallerArgumentExpression(nameof(text))] string parameter = "")
    {
        if (text is null)
        {
            return default;
        }

        string typed = CommandWords.Unmarked(text);
        if (parser(typed, out T? value, out string? problem) && check?.Invoke(value) is { } wrong)
        {
            problem = $"'{typed}' {wrong}";
        }

        Refuse(problem is null ? null : $"{OptionOf(parameter).Name}: {problem}");
        return problem is null ? value : default;
    }

    /// <summary>Reads the value of an option that is one of the words that its declaration lists.</summary>
    /// <returns>The number of the word in that list, from 0.</returns>
    public int ReadWord(string text, [CallerArgumentExpression(nameof(text))] string parameter = "")
    {
        OptionSchema option = OptionOf(parameter);
        string word = CommandWords.Unmarked(text);
        int number = Array.IndexOf(option.Words, word);
        Refuse(number < 0 ? $"{option.Name}: '{word}' is not one of {option.Placeholder}" : null);
        return Math.Max(number, 0);
    }

    /// <summary>Reads all arguments.</summary>
    public T[] ReadAll<T>(string[] arguments, ValueParser<T> parser)
    {
        var values = new T[arguments.Length];
        for (int i = 0; i < values.Length && !HasFailed; i++)
        {
            Refuse(parser(CommandWords.Unmarked(arguments[i]), out values[i]!, out string? problem) ? null : problem);
        }

        return HasFailed ? [] : values;
    }

    /// <summary>Notes a problem, unless it is null or another was noted before.</summary>
    /// <param name="problem">One line without a full stop.</param>
    public void Refuse(string? problem) => _problem ??= problem;

    /// <summary>Runs the command, if all is well.</summary>
    /// <param name="run">Returns the exit code.</param>
    /// <param name="warning">One line for standard error before it runs, or null.</param>
    public void Run(Func<int> run, string? warning = null) => _invocation = Invocation.Of(words.Command.FullName, run, warning);

    /// <summary>Prints a text in place of running a command, if all is well.</summary>
    public void Say(string text) => _invocation = Invocation.Say(text);

    /// <summary>The option of a parameter: that of maxPoem is --max-poem.</summary>
    private OptionSchema OptionOf(string parameter) => words.Command.Options.Find(
        option => option.Name.Replace("-", string.Empty, StringComparison.Ordinal).Equals(parameter, StringComparison.OrdinalIgnoreCase))!;
}
