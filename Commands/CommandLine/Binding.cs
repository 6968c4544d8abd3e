using System;
using System.Collections.Generic;
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
/// A command line: its words, sorted into command, options with their values, and arguments; and what the methods that declare
/// options make of them. It keeps the first problem; after one, what is read is of no use, but reading goes on without harm.
/// </summary>
/// <remarks>
/// ConsoleAppFramework, which calls these methods, can't sort the words by itself: it knows no <c>--option=value</c>, takes
/// every word after the first argument for an argument and drops what follows <c>--</c>; an option that is given twice counts
/// once; of an unknown option or command it says nothing nearer; and <c>--help</c> as a value or after <c>--</c> shows help. So
/// this does exactly that much, and hands the library words that mean one thing only: see <see cref="For"/>.
/// </remarks>
internal sealed class Binding
{
    /// <summary>Before each typed value, so that the library never takes one for an option, for <c>--</c> or for help.</summary>
    private const char Mark = '=';

    private readonly CommandSchema _root;
    private readonly List<(OptionSchema Option, string? Value)> _options = [];
    private readonly List<string> _arguments = [];
    private Invocation? _invocation;
    private string? _problem;

    public Binding(IReadOnlyList<string> args, CommandSchema root)
    {
        Command = _root = root;
        bool hasOptions = true;
        for (int i = 0; i < args.Count; i++)
        {
            string word = args[i];
            CheckText(word);
            if (hasOptions && word == "--")
            {
                hasOptions = false;
            }
            else if (hasOptions && word is ['-', _, ..])
            {
                ReadOption(args, ref i);
            }
            else if (Command != root)
            {
                _arguments.Add(word);
                Refuse(Command.Argument is null ? $"'{word}' is one argument too many" : null);
            }
            else if (hasOptions && !HasFailed)
            {
                // After a problem no command is looked for, so that the line says where the problem is.
                Command = root.Find(word) ?? root;
                HasUnknownCommand = Command == root;
                Refuse(HasUnknownCommand ? Hints.UnknownCommand(word, root) : null);
            }
        }
    }

    /// <summary>The command that was named, or the program.</summary>
    public CommandSchema Command { get; }

    /// <summary>True if a command was named that does not exist.</summary>
    public bool HasUnknownCommand { get; }

    public bool HasFailed => _problem is not null;

    public Invocation Invocation => _problem is null ? _invocation! : Invocation.Refuse(Command.FullName, _problem);

    /// <summary>True if the option was typed.</summary>
    /// <param name="name">Its long name.</param>
    public bool Has(string name) => _options.Exists(typed => typed.Option.Name == name);

    /// <summary>A typed option other than the one named, or null.</summary>
    public string? OptionBeside(string name) => _options.Find(typed => typed.Option.Name != name).Option?.Name;

    /// <summary>
    /// The command line for the method of a command or group: its options with marked values, then the marked arguments if
    /// they are its own.
    /// </summary>
    public string[] For(string owner)
    {
        List<string> line = [owner];
        foreach ((OptionSchema option, string? value) in _options.FindAll(typed => typed.Option.Owner == owner))
        {
            line.AddRange(option.IsFlag ? [option.Name] : [option.Name, Mark + value]);
        }

        line.AddRange(Command.Argument?.Owner == owner ? _arguments.ConvertAll(argument => Mark + argument) : []);
        return [.. line];
    }

    /// <summary>The value as it was typed, or the default of its parameter.</summary>
    public static string Unmarked(string value) => value is [Mark, .. var typed] ? typed : value;

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

        string typed = Unmarked(text);
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
        string word = Unmarked(text);
        int number = Array.IndexOf(option.Words, word);
        Refuse(number < 0 ? $"{option.Name}: '{word}' is not one of {option.Placeholder}" : null);
        return Math.Max(number, 0);
    }

    public T[] ReadAll<T>(string[] arguments, ValueParser<T> parser)
    {
        var values = new T[arguments.Length];
        for (int i = 0; i < values.Length && !HasFailed; i++)
        {
            Refuse(parser(Unmarked(arguments[i]), out values[i]!, out string? problem) ? null : problem);
        }

        return HasFailed ? [] : values;
    }

    /// <summary>Notes a problem, unless it is null or another was noted before.</summary>
    /// <param name="problem">One line without a full stop.</param>
    public void Refuse(string? problem) => _problem ??= problem;

    /// <summary>Runs the command, if all is well.</summary>
    /// <param name="run">Returns the exit code.</param>
    /// <param name="warning">One line for standard error before it runs, or null.</param>
    public void Run(Func<int> run, string? warning = null) => _invocation = Invocation.Of(Command.FullName, run, warning);

    /// <summary>Prints a text in place of running a command, if all is well.</summary>
    public void Print(string text) => _invocation = Invocation.Print(text);

    /// <summary>Reads an option, and the word after it if that is its value.</summary>
    private void ReadOption(IReadOnlyList<string> args, ref int i)
    {
        string word = args[i];
        int equals = word.IndexOf('=');
        string name = equals < 0 ? word : word[..equals];
        string? value = equals < 0 ? null : word[(equals + 1)..];
        OptionSchema? option = Command.FindOption(name) ?? _root.FindOption(name);
        if (option is null)
        {
            Refuse(Hints.UnknownOption(name, Command, _root));
            return;
        }

        if (option.IsFlag)
        {
            Refuse(value is null or "true" or "false" ? null : $"{name} takes no value");
            if (value == "false")
            {
                return;
            }
        }
        else if (value is null && i + 1 < args.Count && args[i + 1] != "--")
        {
            value = args[++i];
            CheckText(value);
        }
        else
        {
            Refuse(string.IsNullOrEmpty(value) ? $"{name} needs a value" : null);
        }

        Refuse(Has(option.Name) ? $"{option.Name} is given twice" : null);
        _options.Add((option, value));
    }

    /// <summary>The runtime puts U+FFFD in place of bytes that are not UTF-8: such a name would not find its file.</summary>
    private void CheckText(string word) => Refuse(word.Contains('\uFFFD') ? $"'{word}' is not valid UTF-8" : null);

    /// <summary>The option of a parameter: that of maxPoem is --max-poem.</summary>
    private OptionSchema OptionOf(string parameter) => Command.Options.Find(
        option => option.Name.Replace("-", string.Empty, StringComparison.Ordinal).Equals(parameter, StringComparison.OrdinalIgnoreCase))!;
}
