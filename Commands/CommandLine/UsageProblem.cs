using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;

namespace Poetry.Commands;

/// <summary>
/// Finds the one thing to tell a user whose command line is wrong: what is unknown first, with the nearest known word, for
/// it explains most of what follows; then the first value that could not be read.
/// </summary>
internal static class UsageProblem
{
    /// <summary>The first problem in one line, or null if there is none.</summary>
    /// <param name="args">What was parsed.</param>
    /// <param name="result">What came of it.</param>
    /// <param name="root">What there is.</param>
    public static string? First(IReadOnlyList<string> args, ParseResult result, CommandSpec root)
    {
        var command = (CommandSpec)result.CommandResult.Command;
        return UnknownOption(result, command, root)
            ?? UnknownWord(result, command)
            ?? BadEquals(args, command, root)
            ?? FirstError(result);
    }

    /// <summary>A word that is no command, with the nearest that is one.</summary>
    /// <param name="word">As typed.</param>
    /// <param name="above">The command that it would be below.</param>
    public static string UnknownCommand(string word, CommandSpec above)
    {
        var nearest = new NearestWord(word);
        foreach (Command known in above.Subcommands)
        {
            nearest.Offer(known.Name);
        }

        return $"unknown command '{word}'{DidYouMean(nearest.Found)}";
    }

    private static string? FirstError(ParseResult result)
    {
        foreach (ParseError error in result.Errors)
        {
            // The error of a command is that one of its subcommands is wanted; that is no mistake but a lack of words.
            if (error.SymbolResult is not CommandResult)
            {
                return Describe(error);
            }
        }

        return null;
    }

    /// <summary>
    /// After <c>--option=</c> with nothing behind it the parser takes the next word for the value, and after
    /// <c>--flag=maybe</c> it takes the value for an argument. Neither was meant.
    /// </summary>
    private static string? BadEquals(IReadOnlyList<string> args, CommandSpec command, CommandSpec root)
    {
        foreach (string arg in args)
        {
            if (arg == "--")
            {
                return null;
            }

            int equals = arg.IndexOf('=');
            if (equals > 0 && OptionNamed(arg[..equals], command, root) is { } option)
            {
                if (equals == arg.Length - 1)
                {
                    return $"{option.Name} needs a value";
                }

                if (option.Arity.MinimumNumberOfValues == 0 && !bool.TryParse(arg.AsSpan(equals + 1), out _))
                {
                    return $"{option.Name} takes no value";
                }
            }
        }

        return null;
    }

    /// <summary>
    /// The parser takes an unknown option for an argument, where arguments are wanted. Whether a word is one is decided
    /// here: it begins with a dash, is more than a dash, is no option's value, and does not follow <c>--</c>.
    /// </summary>
    private static string? UnknownOption(ParseResult result, CommandSpec command, CommandSpec root)
    {
        Option? before = null;
        foreach (Token token in result.Tokens)
        {
            if (token.Type == TokenType.DoubleDash)
            {
                return null;
            }

            if (token.Type == TokenType.Option)
            {
                before = OptionNamed(token.Value, command, root);
                continue;
            }

            bool isValue = before is not null && before.Arity.MinimumNumberOfValues > 0;
            before = null;
            if (!isValue && token.Type == TokenType.Argument && token.Value is ['-', _, ..])
            {
                int end = token.Value.AsSpan().IndexOfAny('=', ':');
                string name = end < 0 ? token.Value : token.Value[..end];
                return $"unknown option '{name}'{Suggest(name, command, root)}";
            }
        }

        return null;
    }

    private static string? UnknownWord(ParseResult result, CommandSpec command)
    {
        if (result.UnmatchedTokens.Count == 0)
        {
            return null;
        }

        string word = result.UnmatchedTokens[0];
        return command.Subcommands.Count == 0 ? $"'{word}' is one argument too many" : UnknownCommand(word, command);
    }

    /// <summary>Our own parsers speak for themselves; that a value is missing or doubled is told by counting.</summary>
    private static string Describe(ParseError error)
    {
        SymbolResult? result = error.SymbolResult;
        if (result is ArgumentResult { Parent: OptionResult parent })
        {
            result = parent;
        }

        return result is not OptionResult option ? error.Message
            : option.Tokens.Count == 0 ? $"{option.Option.Name} needs a value"
            : option.Tokens.Count > option.Option.Arity.MaximumNumberOfValues ? $"{option.Option.Name} is given twice"
            : error.Message;
    }

    private static Option? OptionNamed(string name, CommandSpec command, CommandSpec root)
    {
        foreach (CommandSpec owner in (ReadOnlySpan<CommandSpec>)[command, root])
        {
            foreach (Option option in owner.Options)
            {
                if (option.Name == name || option.Aliases.Contains(name))
                {
                    return option;
                }
            }
        }

        return null;
    }

    private static string Suggest(string name, CommandSpec command, CommandSpec root)
    {
        var nearest = new NearestWord(name);
        foreach (CommandSpec owner in (ReadOnlySpan<CommandSpec>)[command, root])
        {
            foreach (Option option in owner.Options)
            {
                nearest.Offer(option.Name);
            }
        }

        return DidYouMean(nearest.Found);
    }

    private static string DidYouMean(string? word) => word is null ? string.Empty : $" (did you mean '{word}'?)";
}
