using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Poetry.Tests.Testing;

/// <summary>What an HTTP server answered.</summary>
/// <param name="Status">The number of the status line; 0 if there was no answer.</param>
/// <param name="Head">Status line and headers.</param>
/// <param name="Body">All that came behind the empty line.</param>
internal sealed partial record HttpAnswer(int Status, string Head, string Body)
{
    /// <summary>Asks for a path on a Unix socket.</summary>
    public static HttpAnswer Get(string unixPath, string path) => Ask(unixPath, $"GET {path} HTTP/1.1\r\nHost: poetry\r\n\r\n");

    /// <summary>Sends a request as it is, and reads to the end.</summary>
    public static HttpAnswer Ask(string unixPath, string request)
    {
        using Socket client = Wire.Connect(unixPath);
        return Ask(client, request);
    }

    /// <inheritdoc cref="Ask(string, string)"/>
    public static HttpAnswer Ask(Socket client, string request)
    {
        try
        {
            _ = client.Send(Encoding.Latin1.GetBytes(request));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // It has heard enough; what it said may be there all the same.
        }

        string text = Encoding.UTF8.GetString(Wire.ReadToEnd(client).Bytes);
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return new HttpAnswer(0, text, string.Empty);
        }

        int status = int.Parse(text.AsSpan("HTTP/1.1 ".Length, 3), CultureInfo.InvariantCulture);
        return new HttpAnswer(status, text[..end], text[(end + 4)..]);
    }

    /// <summary>
    /// Reads the body as Prometheus would, strictly: every sample belongs to a family with a type and a help, told
    /// before it and not interrupted; no sample occurs twice; every value is a number.
    /// </summary>
    /// <returns>The values by name and labels, such as <c>poetry_connections_total</c>.</returns>
    public Dictionary<string, double> Figures()
    {
        var figures = new Dictionary<string, double>();
        var families = new HashSet<string>();
        string helped = string.Empty;
        string family = string.Empty;
        bool isHistogram = false;
        Assert.EndsWith("\n", Body);
        foreach (string line in Body.TrimEnd('\n').Split('\n'))
        {
            if (HelpLine().Match(line) is { Success: true } help)
            {
                helped = help.Groups[1].Value;
                Assert.IsTrue(families.Add(helped), $"a family that was told already: {line}");
            }
            else if (TypeLine().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
                Assert.AreEqual(helped, family, line);
                isHistogram = type.Groups[2].Value == "histogram";
                Assert.AreEqual(type.Groups[2].Value == "counter", family.EndsWith("_total", StringComparison.Ordinal), line);
            }
            else
            {
                Match sample = SampleLine().Match(line);
                Assert.IsTrue(sample.Success, $"no sample: {line}");
                string name = sample.Groups[1].Value;
                Assert.AreEqual(family, isHistogram ? HistogramSuffix().Replace(name, string.Empty) : name, line);
                double value = double.Parse(sample.Groups[3].Value, NumberStyles.Float, CultureInfo.InvariantCulture);
                Assert.IsTrue(figures.TryAdd(sample.Groups[1].Value + sample.Groups[2].Value, value), $"twice: {line}");
            }
        }

        return figures;
    }

    [GeneratedRegex("^# HELP (poetry_[a-z0-9_]+) [^\\\\]+$")]
    private static partial Regex HelpLine();

    [GeneratedRegex("^# TYPE (poetry_[a-z0-9_]+) (counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramSuffix();

    [GeneratedRegex("^(poetry_[a-z0-9_]+)(\\{(?:,?[a-z_]+=\"(?:[^\"\\\\]|\\\\[\\\\\"n])*\")+\\})? ([-+0-9.E]+)$")]
    private static partial Regex SampleLine();
}
