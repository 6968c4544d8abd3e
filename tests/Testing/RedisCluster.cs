using System.Globalization;
using Poetry.Protocols;

namespace Poetry.Tests.Testing;

/// <summary>
/// A real Redis cluster of one test on loopback: three masters with a replica each. Made without redis-cli --cluster, which
/// waits for seconds: the nodes are introduced to each other, and slots and masters are assigned by commands.
/// </summary>
internal sealed class RedisCluster : IDisposable
{
    public const int Masters = 3;

    private readonly List<RedisServer> _nodes = [];
    private readonly List<int> _ports = [];

    public RedisCluster(bool hasReplicas)
    {
        try
        {
            List<int> buses = [];
            int count = hasReplicas ? 2 * Masters : Masters;
            for (int i = 0; i < count; i++)
            {
                _ports.Add(FaultServer.FreePort());
                buses.Add(FaultServer.FreePort());
                _nodes.Add(new RedisServer(
                    "--port", Text(_ports[i]), "--cluster-port", Text(buses[i]), "--cluster-enabled", "yes", "--cluster-node-timeout", "1500",
                    "--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"));
            }

            for (int i = 1; i < count; i++)
            {
                AssertOk(_nodes[0].Run("CLUSTER", "MEET", "127.0.0.1", Text(_ports[i]), Text(buses[i])));
            }

            for (int i = 0; i < Masters; i++)
            {
                int first = i * RedisSlot.Count / Masters;
                int last = ((i + 1) * RedisSlot.Count / Masters) - 1;
                AssertOk(_nodes[i].Run("CLUSTER", "ADDSLOTSRANGE", Text(first), Text(last)));
            }

            Until(() => _nodes.TrueForAll(node => node.Run("CLUSTER", "NODES")!.TrimEnd().Split('\n').Length == count), "the meeting");
            for (int i = Masters; i < count; i++)
            {
                string master = IdOf(i - Masters);
                Until(() => _nodes[i].Run("CLUSTER", "REPLICATE", master) == "+OK", "a master for a replica");
            }

            Until(() => _nodes.TrueForAll(IsComplete), "the cluster");
            for (int i = Masters; i < count; i++)
            {
                Until(() => _nodes[i].Run("INFO", "replication")!.Contains("master_link_status:up"), "a replica");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>All nodes, masters first, as a user types them.</summary>
    public string Address => "redis://" + string.Join(',', _ports.ConvertAll(port => $"127.0.0.1:{Text(port)}"));

    /// <summary>One node, as a user types it.</summary>
    public string AddressOf(int node) => $"redis://127.0.0.1:{Text(_ports[node])}";

    /// <summary>A node. The masters come first.</summary>
    public RedisServer this[int node] => _nodes[node];

    /// <summary>The master that has the slot of a key at the start.</summary>
    public static int MasterOf(string key)
    {
        int slot = RedisSlot.Of(System.Text.Encoding.UTF8.GetBytes(key));
        for (int i = 0; i < Masters; i++)
        {
            if (slot < (i + 1) * RedisSlot.Count / Masters)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>A key of the given form whose slot the given master has.</summary>
    public static string KeyOn(int master, int number = 0)
    {
        for (int i = 0; ; i++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"test:{{plain:-:host{number}.{i}:10001}}");
            if (MasterOf(key) == master)
            {
                return key;
            }
        }
    }

    /// <summary>True if a node knows a living master for each slot.</summary>
    public static bool IsComplete(RedisServer node)
    {
        string info = node.Run("CLUSTER", "INFO")!;
        return info.Contains("cluster_state:ok", StringComparison.Ordinal)
            && info.Contains($"cluster_slots_ok:{Text(RedisSlot.Count)}", StringComparison.Ordinal);
    }

    public string IdOf(int node) => _nodes[node].Run("CLUSTER", "MYID")!;

    /// <summary>Begins to move the slot of a key: from now on the old node redirects with ASK where it lacks the key.</summary>
    public void BeginMove(string key, int from, int to)
    {
        string slot = Text(RedisSlot.Of(System.Text.Encoding.UTF8.GetBytes(key)));
        AssertOk(_nodes[to].Run("CLUSTER", "SETSLOT", slot, "IMPORTING", IdOf(from)));
        AssertOk(_nodes[from].Run("CLUSTER", "SETSLOT", slot, "MIGRATING", IdOf(to)));
    }

    /// <summary>Moves keys to the new node.</summary>
    public void MoveKeys(int from, int to, params string[] keys) => AssertOk(_nodes[from].Run(
        ["MIGRATE", "127.0.0.1", Text(_ports[to]), string.Empty, "0", "5000", "KEYS", .. keys]));

    /// <summary>Ends the move: the old node redirects with MOVED.</summary>
    public void EndMove(string key, int from, int to)
    {
        string slot = Text(RedisSlot.Of(System.Text.Encoding.UTF8.GetBytes(key)));
        string id = IdOf(to);
        AssertOk(_nodes[to].Run("CLUSTER", "SETSLOT", slot, "NODE", id));
        AssertOk(_nodes[from].Run("CLUSTER", "SETSLOT", slot, "NODE", id));
    }

    /// <summary>Waits until it is so: another process tells no event.</summary>
    public static void Until(Func<bool> isSo, string what) =>
        Assert.IsTrue(SpinWait.SpinUntil(isSo, Patience.Milliseconds), $"{what}: did not come");

    public void Dispose()
    {
        foreach (RedisServer node in _nodes)
        {
            node.Dispose();
        }
    }

    private static void AssertOk(string? reply) => Assert.AreEqual("+OK", reply);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
