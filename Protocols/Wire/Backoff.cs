using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The pause after a failure: short after the first one, and doubled with each further failure until a success.</summary>
/// <param name="min">The first pause; zero for no pauses.</param>
/// <param name="max">The longest pause.</param>
internal sealed class Backoff(TimeSpan min, TimeSpan max)
{
    private TimeSpan _pause;

    /// <summary>The end of the present pause, on the caller's clock; <see cref="TimeSpan.MinValue"/> if there is none.</summary>
    public TimeSpan Until { get; private set; } = TimeSpan.MinValue;

    public void Failed(TimeSpan now)
    {
        _pause = _pause == TimeSpan.Zero ? min : SaturatedTime.Add(_pause, _pause);
        _pause = _pause < max ? _pause : max;
        Until = SaturatedTime.Add(now, _pause);
    }

    /// <summary>Ends the pause; the next one is short again.</summary>
    public void Succeeded()
    {
        _pause = TimeSpan.Zero;
        Until = TimeSpan.MinValue;
    }
}
