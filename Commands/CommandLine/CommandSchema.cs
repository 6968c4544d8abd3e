using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// A command, or a group of options that several commands share, as a method and its XML docs declare it.
/// ConsoleAppFramework's generator calls the constructor under its own name for the type (poetry.csproj says how). Parsing,
/// help, hints, completion and manual pages all read this.
/// </summary>
internal sealed class CommandSchema
{
    /// <summary>Called by generated code: the description is the summary of the method, the argument one of the options.</summary>
    public CommandSchema(string name, OptionSchema[] options, string description)
    {
        Name = FullName = name;
        Description = description;
        Array.ForEach(options, option => option.Owner = name);
        Argument = Array.Find(options, option => option.IsArgument);
        Options = [.. Array.FindAll(options, option => !option.IsArgument)];
    }

    public string Name { get; }

    /// <summary>The name of the program and the command's own: <c>poetry get</c>.</summary>
    public string FullName { get; private set; }

    public string Description { get; }

    /// <summary>The command's own options, then those of its groups.</summary>
    public List<OptionSchema> Options { get; }

    /// <summary>The argument: any number of them, or at most one if it has words; null if the command takes only options.</summary>
    public OptionSchema? Argument { get; private set; }

    /// <summary>The groups of options, in the order of binding; the command's own options are bound after them.</summary>
    public string[] Groups { get; private set; } = [];

    /// <summary>Command lines that can be pasted, each with a short description.</summary>
    public (string Line, string Meaning)[] Examples { get; set; } = [];

    /// <summary>The commands of the program; none for a command.</summary>
    public List<CommandSchema> Subcommands { get; } = [];

    /// <summary>Adds a command to the program, with its groups and examples, which are not declared.</summary>
    public void Add(CommandSchema command, CommandSchema[] groups, (string Line, string Meaning)[] examples)
    {
        command.FullName = $"{Name} {command.Name}";
        command.Examples = examples;
        command.Groups = Array.ConvertAll(groups, group => group.Name);
        foreach (CommandSchema group in groups)
        {
            command.Options.AddRange(group.Options);
            command.Argument ??= group.Argument;
        }

        Subcommands.Add(command);
    }

    public CommandSchema? Find(string name) => Subcommands.Find(command => command.Name == name);

    /// <summary>The option with that long or short name, or null.</summary>
    public OptionSchema? FindOption(string name) => Options.Find(option => Array.IndexOf(option.Names, name) >= 0);
}

/// <summary>An option or the argument of a command.</summary>
internal sealed class OptionSchema
{
    /// <summary>
    /// Called by generated code. The description begins with the name of the value and a colon: <c>SECONDS</c>, or
    /// <c>text|json</c>, where the words in lower case are the possible values; NAME is the name of a transformation. Only an
    /// argument has an index. A default is a C# expression. The other parameters are not used: all values are read as text, and
    /// an argument is always an array.
    /// </summary>
    public OptionSchema(
        string[] names,
        string description,
        string valueTypeName = "",
        string? defaultValue = null,
        int? index = null,
        bool isFlag = true,
        bool isParams = false,
        bool isHidden = false,
        bool isDefaultValueHidden = false)
    {
        _ = (valueTypeName, isParams, isHidden, isDefaultValueHidden);
        Names = names;
        IsFlag = isFlag;
        IsArgument = index is not null;
        string text = string.Join(' ', description.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        int colon = isFlag ? -1 : text.IndexOf(": ", StringComparison.Ordinal);
        Placeholder = colon < 0 ? string.Empty : text[..colon];
        Description = colon < 0 ? text : text[(colon + 2)..];
        Default = defaultValue is ['@', '"', .. var typed, '"'] ? typed : null;
        Words = Placeholder == "NAME"
            ? [.. TransformService.BuiltIn().Names]
            : Array.FindAll(Placeholder.Split('|'), word => word is [>= 'a' and <= 'z', ..]);
    }

    /// <summary>The names with their dashes; the last one is the long name.</summary>
    public string[] Names { get; }

    public string Name => Names[^1];

    /// <summary>The text of help, an imperative, without the default, which help adds.</summary>
    public string Description { get; }

    /// <summary>The name of the value in help; empty for a flag.</summary>
    public string Placeholder { get; }

    /// <summary>The default as a user would type it, or null.</summary>
    public string? Default { get; }

    /// <summary>The words that the value can be; empty for any text.</summary>
    public string[] Words { get; set; }

    public bool IsFlag { get; }

    public bool IsArgument { get; }

    /// <summary>True if the value is the name of a file.</summary>
    public bool TakesFile => HasOneOf("FILE", "PATH");

    /// <summary>True if the value is a time or a size, with or without a unit.</summary>
    public bool TakesQuantity => HasOneOf("TIME", "SECONDS", "BYTES");

    /// <summary>The command or group whose method declares the option.</summary>
    public string Owner { get; set; } = string.Empty;

    private bool HasOneOf(params string[] kinds) =>
        Array.Exists(kinds, kind => Placeholder.Contains(kind, StringComparison.Ordinal));
}
