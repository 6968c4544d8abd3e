using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The address of one or more Redis servers, with user, password and database:
/// <c>redis://[USER][:PASSWORD]@HOST[:6379][,HOST…][/DB]</c> or <c>unix:PATH[?db=N]</c>. Neither <see cref="ToString"/> nor the
/// problem of <see cref="TryParse"/> contains the password. Immutable.
/// </summary>
public sealed class RedisAddress
{
    /// <summary>The port of a host without a port in the address: registered for Redis.</summary>
    public const int DefaultPort = 6379;

    /// <summary>Redis reads the number of a database as an int, which nine digits always fit.</summary>
    private const int MaxDatabaseDigits = 9;

    private const string Scheme = "redis://";
    private const string WrongDatabase = "the number of the database has other characters than digits, or too many";
    private const string Forms = "expected redis://[USER][:PASSWORD]@HOST[:6379][,HOST...][/DB] or unix:PATH[?db=N]";

    private RedisAddress(Endpoint[] endpoints, byte[]? user, byte[]? password, int database)
    {
        Endpoints = endpoints;
        User = user;
        Password = password;
        Database = database;
    }

    /// <summary>The servers, in the order in which they are tried: at least one.</summary>
    public IReadOnlyList<Endpoint> Endpoints { get; }

    /// <summary>The number of the database.</summary>
    public int Database { get; }

    /// <summary>True if the address has a password.</summary>
    public bool HasPassword => Password is not null;

    /// <summary>The name of the user; null for the default user.</summary>
    internal byte[]? User { get; }

    /// <summary>The password; null for none: AUTH is then not sent.</summary>
    internal byte[]? Password { get; }

    /// <summary>Reads an address.</summary>
    /// <param name="text">The text that the user typed.</param>
    /// <param name="address">The address, or null.</param>
    /// <param name="problem">The reason why the text is not an address, in one line without a full stop. It does not quote
    /// <paramref name="text"/>, which may contain a password.</param>
    /// <param name="password">The password if the address has none; null for none.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out RedisAddress? address,
        [NotNullWhen(false)] out string? problem,
        string? password = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = null;
        byte[]? passwordBytes = password is null ? null : Encoding.UTF8.GetBytes(password);
        problem = text.StartsWith("unix:", StringComparison.Ordinal) ? ReadUnix(text, passwordBytes, out address)
            : text.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase)
                ? "rediss:// is Redis over TLS, which is not supported: use redis:// and a TLS tunnel"
            : text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? ReadTcp(text[Scheme.Length..], passwordBytes, out address)
            : Forms;
        return address is not null;
    }

    /// <summary>The servers and the database, without user and password.</summary>
    public override string ToString()
    {
        bool isUnix = Endpoints[0].IsUnix;
        string servers = (isUnix ? string.Empty : Scheme) + string.Join(',', Endpoints);
        return Database == 0 ? servers : string.Create(CultureInfo.InvariantCulture, $"{servers}{(isUnix ? "?db=" : "/")}{Database}");
    }

    private static string? ReadUnix(string text, byte[]? password, out RedisAddress? address)
    {
        address = null;
        int question = text.IndexOf('?', StringComparison.Ordinal);
        string path = question < 0 ? text : text[..question];
        int database = 0;
        if (question >= 0)
        {
            ReadOnlySpan<char> query = text.AsSpan(question + 1);
            if (!query.StartsWith("db="))
            {
                return "a path is followed by nothing but ?db=N";
            }

            if (!TryReadDatabase(query[3..], out database))
            {
                return WrongDatabase;
            }
        }

        if (!Endpoint.TryParse(path, out Endpoint? endpoint, out _))
        {
            return path.Length == "unix:".Length ? "there is no path after 'unix:'"
                : "the path of the Unix socket is too long or has a zero byte";
        }

        address = new RedisAddress([endpoint], user: null, password, database);
        return null;
    }

    private static string? ReadTcp(string text, byte[]? password, out RedisAddress? address)
    {
        address = null;

        // The last @: a password may contain @, and no part of a password may be taken for a host and shown.
        int at = text.LastIndexOf('@');
        byte[]? user = null;
        if (at >= 0 && ReadUser(text.AsSpan(0, at), out user, ref password) is { } problemOfUser)
        {
            return problemOfUser;
        }

        if (user is not null && password is null)
        {
            return "the user has no password";
        }

        string rest = text[(at + 1)..];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        int database = 0;
        if (slash >= 0 && slash + 1 < rest.Length && !TryReadDatabase(rest.AsSpan(slash + 1), out database))
        {
            return WrongDatabase;
        }

        string[] hosts = (slash < 0 ? rest : rest[..slash]).Split(',');
        var endpoints = new Endpoint[hosts.Length];
        for (int i = 0; i < hosts.Length; i++)
        {
            if (ReadHost(hosts[i], out endpoints[i]!) is { } problemOfHost)
            {
                return problemOfHost;
            }
        }

        address = new RedisAddress(endpoints, user, password, database);
        return null;
    }

    private static string? ReadUser(ReadOnlySpan<char> text, out byte[]? user, ref byte[]? password)
    {
        user = null;
        if (text.IndexOfAny("@/?#") >= 0)
        {
            return "in a user or password @ is written %40, / is %2F, ? is %3F and # is %23";
        }

        int colon = text.IndexOf(':');
        ReadOnlySpan<char> name = colon < 0 ? text : text[..colon];
        if ((!name.IsEmpty && !TryDecode(name, out user)) || (colon >= 0 && !TryDecode(text[(colon + 1)..], out password)))
        {
            return "in a user or password % is followed by two hexadecimal digits; % itself is %25";
        }

        return null;
    }

    /// <summary>Decodes %XX.</summary>
    private static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? decoded)
    {
        decoded = null;
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToArray());
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            byte next = bytes[i];
            if (next == (byte)'%')
            {
                if (i + 2 >= bytes.Length
                    || !byte.TryParse(bytes.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out next))
                {
                    return false;
                }

                i += 2;
            }

            bytes[length++] = next;
        }

        decoded = bytes[..length];
        return true;
    }

    private static bool TryReadDatabase(ReadOnlySpan<char> text, out int database)
    {
        database = 0;
        return text.Length is > 0 and <= MaxDatabaseDigits
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out database);
    }

    private static string? ReadHost(string text, out Endpoint? endpoint)
    {
        endpoint = null;
        if (!text.StartsWith('[') && Endpoint.TryParseHost(text, out string? bare, out _) && bare.Contains(':'))
        {
            return "an IPv6 address needs brackets: redis://[::1]:6379";
        }

        int colon = text.StartsWith('[') ? text.IndexOf("]:", StringComparison.Ordinal) + 1 : text.IndexOf(':', StringComparison.Ordinal);
        bool hasPort = colon > 0 || text is [':', ..];
        string hostText = hasPort ? text[..colon] : text;
        if (hostText.Length == 0)
        {
            return "there is no host";
        }

        if (!Endpoint.TryParseHost(hostText, out string? host, out _))
        {
            return "a host is a name, an IPv4 address, or an IPv6 address in brackets";
        }

        int port = DefaultPort;
        if (hasPort && !(int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port is > 0 and <= ushort.MaxValue))
        {
            return "a port is a number from 1 to 65535";
        }

        endpoint = Endpoint.Tcp(host, port);
        return null;
    }
}
