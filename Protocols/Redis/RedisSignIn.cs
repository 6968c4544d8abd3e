using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The commands AUTH and SELECT.</summary>
internal sealed class RedisSignIn(RedisAddress address) : RedisCommand
{
    protected override int Replies => (address.HasPassword ? 1 : 0) + (address.Database > 0 ? 1 : 0);

    /// <summary>Explains a refusal. The server's text is not shown: some servers repeat the password in it.</summary>
    public static RedisError Describe(RedisError refusal) => refusal.Code switch
    {
        "WRONGPASS" => new RedisError("WRONGPASS: the server refuses this user and password"),
        "NOAUTH" => new RedisError("NOAUTH: the server wants a password"),
        "NOPERM" => new RedisError("NOPERM: the user may not select this database"),
        "ERR" when refusal.Message.StartsWith(RedisError.TooManyClients, StringComparison.Ordinal) => refusal,
        _ => new RedisError("the server refuses to sign in: wrong user, password or database"),
    };

    public override void Ended(Failure? failure)
    {
    }

    protected override void Write(RespWriter writer)
    {
        if (address.Password is { } password)
        {
            _ = writer.Begin(address.User is null ? 2 : 3).Add("AUTH"u8);
            _ = address.User is { } user ? writer.Add(user) : writer;
            _ = writer.Add(password);
        }

        if (address.Database > 0)
        {
            _ = writer.Begin(2).Add("SELECT"u8).Add(Encoding.ASCII.GetBytes(address.Database.ToString(CultureInfo.InvariantCulture)));
        }
    }

    protected override bool Received(in RespToken token, int index) => true;
}
