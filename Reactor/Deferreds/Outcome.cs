using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>
/// A value or a <see cref="Net.Failure"/>. If a function of a chain returns an outcome, it can also be a deferred, for which
/// the chain waits. The default is success with the default value.
/// </summary>
/// <remarks>
/// Values, failures and deferreds convert implicitly, so that <c>return failure;</c> and <c>return 5;</c> can be in one
/// function. C# allows no such conversion for <c>Outcome&lt;object&gt;</c>: use <c>new</c> there.
/// </remarks>
public readonly struct Outcome<T>
{
    private readonly T _value;
    private readonly object? _instead;

    /// <summary>Makes the outcome of a success.</summary>
    public Outcome(T value)
    {
        _value = value;
    }

    /// <summary>Makes the outcome of a failure.</summary>
    public Outcome(Failure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        _value = default!;
        _instead = failure;
    }

    /// <summary>Makes the outcome of a deferred. Only a function of a chain may return it.</summary>
    public Outcome(Deferred<T> deferred)
    {
        ArgumentNullException.ThrowIfNull(deferred);
        _value = default!;
        _instead = deferred;
    }

    /// <summary>True if there is no failure.</summary>
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool Succeeded => _instead is not Net.Failure;

    /// <summary>The failure, or null.</summary>
    public Failure? Failure => _instead as Failure;

    /// <summary>The value. If there is a failure, reading throws its exception.</summary>
    public T Value
    {
        get
        {
            if (_instead is Failure failure)
            {
                failure.Throw();
            }

            return _value;
        }
    }

    internal Deferred<T>? Deferred => _instead as Deferred<T>;

    /// <summary>True if there is neither a failure nor a deferred.</summary>
    internal bool IsValue => _instead is null;

    internal T ValueOrDefault => _value;

    /// <summary>Makes the outcome of a success.</summary>
    public static implicit operator Outcome<T>(T value) => new(value);

    /// <summary>Makes the outcome of a failure.</summary>
    public static implicit operator Outcome<T>(Failure failure) => new(failure);

    /// <summary>Makes the outcome of a deferred.</summary>
    public static implicit operator Outcome<T>(Deferred<T> deferred) => new(deferred);

    /// <summary>Allows <c>(bool succeeded, T? value, Failure? failure) = outcome</c>.</summary>
    public void Deconstruct(out bool succeeded, out T? value, out Failure? failure)
    {
        succeeded = Succeeded;
        value = _value;
        failure = Failure;
    }

    /// <summary>The value as text, or the message of the failure.</summary>
    public override string? ToString() => Failure is { } failure ? failure.Message : _value?.ToString();
}

/// <summary>The value of an operation that has no value: a <c>void</c> that is a type.</summary>
public readonly struct Unit;
