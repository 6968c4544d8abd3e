using System.Collections.Generic;

namespace Poetry.Commands;

/// <summary>
/// The words of a command line, sorted: command, options with their values, arguments. ConsoleAppFramework, which binds
/// them, can't do that by itself: it knows no <c>--option=value</c>, takes every word after the first argument for an
/// argument and drops what follows <c>--</c>; an option that is given twice counts once; of an unknown option or command it
/// says nothing nearer; and <c>--help</c> as a value or after <c>--</c> shows help. So this pass does exactly that much, and hands the library
/// words that mean one thing only: see <see cref="For"/>.
/// </summary>
internal sealed class CommandWords
{
    /// <summary>Before each typed value, so that the library never takes one for an option, for <c>--</c> or for help.</summary>
    private const char Mark = '=';

    private readonly CommandSchema _root;
    private readonly List<(OptionSchema Option, string? Value)> _options = [];
    private readonly List<string> _arguments = [];

    public CommandWords(IReadOnlyList<string> args, CommandSchema root)
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
                Note(Command.Argument is null ? $"'{word}' is one argument too many" : null);
            }
            else if (hasOptions && Problem is null)
            {
                // After a problem no command is looked for, so that the line says where the problem is.
                Command = root.Find(word) ?? root;
                HasUnknownCommand = Command == root;
                Note(HasUnknownCommand ? Hints.UnknownCommand(word, root) : null);
            }
        }
    }

    /// <summary>The command that was named, or the program.</summary>
    public CommandSchema Command { get; }

    /// <summary>True if a command was named that does not exist.</summary>
    public bool HasUnknownCommand { get; }

    /// <summary>The first thing that is wrong, in one line; null if nothing is.</summary>
    public string? Problem { get; private set; }

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
            Note(Hints.UnknownOption(name, Command, _root));
            return;
        }

        if (option.IsFlag)
        {
            Note(value is null or "true" or "false" ? null : $"{name} takes no value");
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
            Note(string.IsNullOrEmpty(value) ? $"{name} needs a value" : null);
        }

        Note(Has(option.Name) ? $"{option.Name} is given twice" : null);
        _options.Add((option, value));
    }

    /// <summary>The runtime puts U+FFFD in place of bytes that are not UTF-8: such a name would not find its file.</summary>
    private void CheckText(string word) => Note(word.Contains('\uFFFD') ? $"'{word}' is not valid UTF-8" : null);

    private void Note(string? problem) => Problem ??= problem;
}
