namespace Poetry.Protocols;

/// <summary>
/// Scripts for operations that must be atomic. They are sent with each call, because a server forgets them when it restarts. GET
/// is called by pcall: a lock of a wrong type is not this fetch's lock. Each returns 1 if it has succeeded.
/// </summary>
internal static class RedisScripts
{
    /// <summary>KEYS: lock. ARGV: token, lease in ms. Takes a lock, even one that has no expiry or too long a one.</summary>
    public const string TakeInvalidLock = """
        local left = redis.call('PTTL', KEYS[1])
        if left == -1 or left > tonumber(ARGV[2]) then redis.call('DEL', KEYS[1]) end
        if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
        return 0
        """;

    /// <summary>KEYS: lock. ARGV: token, lease in ms.</summary>
    public const string Renew = """
        if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """;

    /// <summary>KEYS: lock. ARGV: token, lease in ms, which is not used.</summary>
    public const string Unlock = """
        if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[1])
        return 1
        """;

    /// <summary>KEYS: key, lock. ARGV: token, lifetime in ms or 0, value.</summary>
    public const string Put = """
        if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then return 0 end
        if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[3])
        else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2]) end
        redis.call('DEL', KEYS[2])
        return 1
        """;
}
