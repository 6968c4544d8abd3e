using System;
using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>
/// A value or a <see cref="Net.Failure"/>. When a function of a chain returns one it can also be a deferred, which is waited
/// for. The default is success with the default value.
/// </summary>
/// <remarks>
/// Values, failures and deferreds convert implicitly, so that <c>return failure;</c> and <c>return 5;</c> can be in one
/// function. C# allows no such conversion for <c>Outcome&lt;object&gt;</c>: use <c>new</c> there.
/// </remarks>
public readonly struct Outcome<T>
{
    private readonly T _value;
    private readonly object? _instead;

    /// <summary>Success.</summary>
    public Outcome(T value)
    {
        _value = value;
    }

    /// <summary>Failure.</summary>
    public Outcome(Failure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        _value = default!;
        _instead = failure;
    }

    /// <summary>The outcome of a deferred: only for what a function of a chain returns.</summary>
    public Outcome(Deferred<T> deferred)
    {
        ArgumentNullException.ThrowIfNull(deferred);
        _value = default!;
        _instead = deferred;
    }

    /// <summary>True if there is a value.</summary>
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool Succeeded => _instead is not Net.Failure;

    /// <summary>The failure, or null.</summary>
    public Failure? Failure => _instead as Failure;

    /// <summary>The value. If there is a failure, its exception is thrown.</summary>
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

    /// <summary>Success.</summary>
    public static implicit operator Outcome<T>(T value) => new(value);

    /// <summary>Failure.</summary>
    public static implicit operator Outcome<T>(Failure failure) => new(failure);

    /// <summary>The outcome of a deferred.</summary>
    public static implicit operator Outcome<T>(Deferred<T> deferred) => new(deferred);

    /// <summary>For <c>(bool succeeded, T? value, Failure? failure) = outcome</c>.</summary>
    public void Deconstruct(out bool succeeded, out T? value, out Failure? failure)
    {
        succeeded = Succeeded;
        value = _value;
        failure = Failure;
    }

    /// <summary>The value as text, or the message of the failure.</summary>
    public override string? ToString() => Failure is { } failure ? failure.Message : _value?.ToString();
}

/// <summary>The value of an operation that has none, as <c>void</c> would be if it were a type.</summary>
public readonly struct Unit;
