using System.Globalization;
using System.Text;

namespace Poetry.Protocols;

/// <summary>
/// A page of metrics in the text format of Prometheus, version 0.0.4
/// (github.com/prometheus/docs, content/docs/instrumenting/exposition_formats.md). Callers pass names without the prefix
/// <c>poetry_</c>, help in one line, times in seconds. A label's value may be any text; it is escaped here.
/// </summary>
internal sealed class MetricsPage
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a number that never decreases; its name ends in <c>_total</c>.</summary>
    public void Counter(string name, string help, long value)
    {
        Head(name, help, "counter");
        Sample(name, null, null, value.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Adds a number that may increase and decrease.</summary>
    public void Gauge(string name, string help, double value)
    {
        Head(name, help, "gauge");
        Sample(name, null, null, value.ToString("R", CultureInfo.InvariantCulture));
    }

    /// <summary>Begins a family of samples that differ in a label. The type is counter, gauge or histogram.</summary>
    public void Head(string name, string help, string type) =>
        _text.Append(CultureInfo.InvariantCulture, $"# HELP poetry_{name} {help}\n# TYPE poetry_{name} {type}\n");

    /// <summary>Adds a sample, with a label or without, to the family that was begun last.</summary>
    public void Sample(string name, string? label, string? labelValue, string value) =>
        Line(name, LabelOf(label, labelValue), value);

    /// <summary>Adds the samples of a histogram to the family that was begun last.</summary>
    public void Sample(string name, string? label, string? labelValue, Histogram histogram)
    {
        string labels = LabelOf(label, labelValue);
        string separator = labels.Length == 0 ? string.Empty : ",";
        long count = 0;
        for (int i = 0; i <= Histogram.Bounds.Length; i++)
        {
            count += histogram.Count(i);
            string bound = i < Histogram.Bounds.Length ? Histogram.Bounds[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
            Line($"{name}_bucket", $"{labels}{separator}le=\"{bound}\"", count.ToString(CultureInfo.InvariantCulture));
        }

        Line($"{name}_sum", labels, histogram.Sum.ToString("R", CultureInfo.InvariantCulture));
        Line($"{name}_count", labels, count.ToString(CultureInfo.InvariantCulture));
    }

    public override string ToString() => _text.ToString();

    private static string LabelOf(string? label, string? value)
    {
        if (label is null)
        {
            return string.Empty;
        }

        string escaped = value!.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
        return $"{label}=\"{escaped}\"";
    }

    private void Line(string name, string labels, string value)
    {
        _text.Append("poetry_").Append(name);
        if (labels.Length > 0)
        {
            _text.Append('{').Append(labels).Append('}');
        }

        _text.Append(' ').Append(value).Append('\n');
    }
}
