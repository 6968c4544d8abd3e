namespace Poetry.Net;

/// <summary>
/// A part of a program that can be started and stopped: Twisted's <c>Service</c>. A derived class starts its work, such as
/// a listener or a looping call, in <see cref="StartService"/>, and ends it in <see cref="StopService"/>.
/// </summary>
public abstract class Service
{
    /// <summary>A name for logs; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>True from <see cref="StartService"/> to <see cref="StopService"/>.</summary>
    public bool Running { get; private set; }

    /// <summary>Starts the service. An override calls this first.</summary>
    /// <exception cref="InvalidOperationException">The service is running.</exception>
    public virtual void StartService()
    {
        if (Running)
        {
            throw new InvalidOperationException("the service is running");
        }

        Running = true;
    }

    /// <summary>Stops the service. An override calls this first. No effect if the service is not running.</summary>
    /// <returns>A deferred that fires when the service has stopped. Cancelling it does not start the service again.</returns>
    public virtual Deferred StopService()
    {
        Running = false;
        return Deferred.Succeed(default(Unit));
    }
}

/// <summary>
/// Several services as one: Twisted's <c>MultiService</c>. They are started in the order in which they were added, and
/// stopped in the reverse order.
/// </summary>
public sealed class MultiService : Service
{
    private readonly List<Service> _services = [];

    /// <summary>The services, in the order in which they were added.</summary>
    public IReadOnlyList<Service> Services => _services;

    /// <summary>Adds a service, and starts it if this one is running.</summary>
    public void AddService(Service service)
    {
        ArgumentNullException.ThrowIfNull(service);
        if (Running)
        {
            service.StartService();
        }

        _services.Add(service);
    }

    /// <summary>Removes a service, and stops it if it is running.</summary>
    /// <returns>A deferred that fires when the service has stopped. Cancelling it cancels the stop, if the service can do
    /// that.</returns>
    public Deferred RemoveService(Service service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return _services.Remove(service) && service.Running ? service.StopService() : Deferred.Succeed(default(Unit));
    }

    /// <summary>Starts all services. If one throws, all that run are stopped, and its exception is thrown.</summary>
    public override void StartService()
    {
        base.StartService();
        try
        {
            _services.ForEach(static service => service.StartService());
        }
        catch
        {
            _ = StopService();
            throw;
        }
    }

    /// <summary>Stops all running services, the last one first.</summary>
    /// <returns>A deferred that fires when all have stopped. A failure to stop is reported, and the other services are stopped.
    /// Cancelling it cancels each stop that is in progress.</returns>
    public override Deferred StopService()
    {
        _ = base.StopService();
        var stopping = new List<Deferred>();
        for (int i = _services.Count - 1; i >= 0; i--)
        {
            if (_services[i].Running)
            {
                stopping.Add(Deferred.MaybeDeferred(_services[i].StopService));
            }
        }

        return Deferred.ListOf([.. stopping]);
    }
}
