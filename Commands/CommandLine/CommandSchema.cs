using System;
using System.Collections.Generic;
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

    /// <summary>The name after that of the program: <c>poetry get</c>.</summary>
    public string FullName { get; private set; }

    public string Description { get; }

    /// <summary>Its own options, then those of its groups.</summary>
    public List<OptionSchema> Options { get; }

    /// <summary>What it takes any number of, or one of if it has words; null if it takes options only.</summary>
    public OptionSchema? Argument { get; private set; }

    /// <summary>The groups of options it has, in the order in which they are bound, before itself.</summary>
    public string[] Groups { get; private set; } = [];

    /// <summary>Command lines that can be pasted, and a few words on each.</summary>
    public (string Line, string Meaning)[] Examples { get; set; } = [];

    /// <summary>The commands of the program; none for a command.</summary>
    public List<CommandSchema> Subcommands { get; } = [];

    /// <summary>Adds a command to the program, with what its declaration can't say.</summary>
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

    /// <summary>The option of that name or short name, or null.</summary>
    public OptionSchema? FindOption(string name) => Options.Find(option => Array.IndexOf(option.Names, name) >= 0);
}

/// <summary>An option of a command or its argument.</summary>
internal sealed class OptionSchema
{
    /// <summary>
    /// Called by generated code. Before the first colon of the description stands what help calls the value, such as
    /// <c>SECONDS</c> or <c>text|json</c>: words in lower case are what can be typed; NAME is that of a transformation. Only an
    /// argument has an index. A default is an expression of C#. The rest is not used: all values are read as text, and an argument
    /// is always an array.
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

    /// <summary>With their dashes; the last one is the long one.</summary>
    public string[] Names { get; }

    public string Name => Names[^1];

    /// <summary>An imperative without its default, which help adds.</summary>
    public string Description { get; }

    /// <summary>What help calls the value; empty for a flag.</summary>
    public string Placeholder { get; }

    /// <summary>The default as a user would type it, or null.</summary>
    public string? Default { get; }

    /// <summary>Words that the value can be.</summary>
    public string[] Words { get; set; }

    public bool IsFlag { get; }

    public bool IsArgument { get; }

    /// <summary>True if the value is the name of a file.</summary>
    public bool TakesFile => HasOneOf("FILE", "PATH");

    /// <summary>True if the value is a time or a size, with or without a unit.</summary>
    public bool TakesQuantity => HasOneOf("TIME", "SECONDS", "BYTES");

    /// <summary>The command or group whose method declares it.</summary>
    public string Owner { get; set; } = string.Empty;

    private bool HasOneOf(params string[] kinds) =>
        Array.Exists(kinds, kind => Placeholder.Contains(kind, StringComparison.Ordinal));
}
