using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Poetry.Commands;

/// <summary>Reads what a user typed for an option or an argument.</summary>
/// <param name="text">The text that the user typed.</param>
/// <param name="value">The value that was read.</param>
/// <param name="problem">One line that says why the text is invalid, and quotes it.</param>
internal delegate bool ValueParser<T>(
    string text,
    [MaybeNullWhen(false)] out T value,
    [NotNullWhen(false)] out string? problem);

/// <summary>
/// A command line, sorted into command, options with their values, and arguments. The methods that declare options read their
/// values here. The first problem is kept: reading goes on after it, but the values are not used.
/// </summary>
/// <remarks>
/// ConsoleAppFramework calls these methods, but can't sort the words: it does not support <c>--option=value</c>, takes every word
/// after the first argument for an argument, and drops the words after <c>--</c>. It accepts an option that is given twice,
/// suggests nothing for an unknown option or command, and shows help for <c>--help</c> as a value or after <c>--</c>. This class
/// sorts the words, and gives the library only words with one meaning: see <see cref="For"/>.
/// </remarks>
internal sealed class Binding
{
    /// <summary>The prefix of each typed value: with it, the library never takes a value for an option, for <c>--</c> or for
    /// help.</summary>
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
                // After a problem the command stays: the message begins with the command that has the problem.
                Command = root.Find(word) ?? root;
                HasUnknownCommand = Command == root;
                Refuse(HasUnknownCommand ? Hints.UnknownCommand(word, root) : null);
            }
        }
    }

    /// <summary>The command that was named, or the program.</summary>
    public CommandSchema Command { get; }

    /// <summary>True if the named command does not exist.</summary>
    public bool HasUnknownCommand { get; }

    public bool HasFailed => _problem is not null;

    public Invocation Invocation => _problem is null ? _invocation! : Invocation.Refuse(Command.FullName, _problem);

    /// <summary>True if the option was typed.</summary>
    /// <param name="name">The option's long name.</param>
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

    /// <summary>Removes the mark from a typed value; a default of a parameter has none.</summary>
    public static string Unmarked(string value) => value is [Mark, .. var typed] ? typed : value;

    /// <summary>Reads the value of an option.</summary>
    /// <param name="text">A parameter of the method; its name is that of the option.</param>
    /// <param name="parser">The parser of the value; it reads the default too.</param>
    /// <param name="check">Returns the end of a sentence that says what is wrong with the value, or null.</param>
    /// <param name="parameter">Given by the compiler.</param>
    /// <returns>The default of the type if there is no value, or if it is invalid.</returns>
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
    /// <returns>The index of the word in that list.</returns>
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

    /// <summary>Keeps a problem, unless it is null or there was one before.</summary>
    /// <param name="problem">One line without a full stop.</param>
    public void Refuse(string? problem) => _problem ??= problem;

    /// <summary>Runs the command, if there was no problem.</summary>
    /// <param name="run">Returns the exit code.</param>
    /// <param name="warning">One line for standard error before it runs, or null.</param>
    public void Run(Func<int> run, string? warning = null) => _invocation = Invocation.Of(Command.FullName, run, warning);

    /// <summary>Prints a text instead of running a command, if there was no problem.</summary>
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

    /// <summary>Refuses a word that is not UTF-8. The runtime replaces such bytes by U+FFFD, so a name would not match its file.</summary>
    private void CheckText(string word) => Refuse(word.Contains('\uFFFD') ? $"'{word}' is not valid UTF-8" : null);

    /// <summary>The option of a parameter: <c>--max-poem</c> for <c>maxPoem</c>.</summary>
    private OptionSchema OptionOf(string parameter) => Command.Options.Find(
        option => option.Name.Replace("-", string.Empty, StringComparison.Ordinal).Equals(parameter, StringComparison.OrdinalIgnoreCase))!;
}
