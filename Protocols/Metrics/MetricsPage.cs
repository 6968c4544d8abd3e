using System;
using System.Globalization;
using System.Text;

namespace Poetry.Protocols;

/// <summary>
/// A page of figures in the text format of Prometheus, version 0.0.4
/// (github.com/prometheus/docs, content/docs/instrumenting/exposition_formats.md).
/// </summary>
internal sealed class MetricsPage
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a number that only grows.</summary>
    /// <param name="name">Without the prefix <c>poetry_</c>, ending in <c>_total</c>.</param>
    /// <param name="help">One line.</param>
    /// <param name="value">As of now.</param>
    public void Counter(string name, string help, long value)
    {
        Head(name, help, "counter");
        Sample(name, null, null, value.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Adds a number that comes and goes.</summary>
    /// <param name="name">Without the prefix <c>poetry_</c>.</param>
    /// <param name="help">One line.</param>
    /// <param name="value">As of now; seconds where it is a time.</param>
    public void Gauge(string name, string help, double value)
    {
        Head(name, help, "gauge");
        Sample(name, null, null, value.ToString("R", CultureInfo.InvariantCulture));
    }

    /// <summary>Begins a family of samples, told apart by a label.</summary>
    /// <param name="name">Without the prefix <c>poetry_</c>.</param>
    /// <param name="help">One line.</param>
    /// <param name="type">counter or gauge.</param>
    public void Head(string name, string help, string type) =>
        _text.Append(CultureInfo.InvariantCulture, $"# HELP poetry_{name} {help}\n# TYPE poetry_{name} {type}\n");

    /// <summary>Adds a sample to the family begun last.</summary>
    /// <param name="name">The family's.</param>
    /// <param name="label">Null for none.</param>
    /// <param name="labelValue">May contain anything; it is escaped here.</param>
    /// <param name="value">A number.</param>
    public void Sample(string name, string? label, string? labelValue, string value)
    {
        _text.Append("poetry_").Append(name);
        if (label is not null)
        {
            string escaped = labelValue!.Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal);
            _text.Append(CultureInfo.InvariantCulture, $"{{{label}=\"{escaped}\"}}");
        }

        _text.Append(' ').Append(value).Append('\n');
    }

    /// <summary>The page so far.</summary>
    public override string ToString() => _text.ToString();
}
