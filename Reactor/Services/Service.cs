using System;
using System.Collections.Generic;

namespace Poetry.Net;

/// <summary>
/// A part of a program that can be started and stopped: Twisted's <c>Service</c>. A derived class starts to listen, or makes
/// a looping call, in <see cref="StartService"/>, and ends that in <see cref="StopService"/>.
/// </summary>
public abstract class Service
{
    /// <summary>A name for logs; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>True from <see cref="StartService"/> to <see cref="StopService"/>.</summary>
    public bool Running { get; private set; }

    /// <summary>Starts the service. An override calls this first.</summary>
    /// <exception cref="InvalidOperationException">It is running.</exception>
    public virtual void StartService()
    {
        if (Running)
        {
            throw new InvalidOperationException("the service is running");
        }

        Running = true;
    }

    /// <summary>Stops the service. An override calls this first. A service that is not running stays so.</summary>
    /// <returns>Fires when it has stopped. Cancelling it does not start the service again.</returns>
    public virtual Deferred StopService()
    {
        Running = false;
        return Deferred.Succeed(default(Unit));
    }
}

/// <summary>
/// Several services as one: Twisted's <c>MultiService</c>. They are started in the order of their addition, and stopped in
/// the reverse order.
/// </summary>
public sealed class MultiService : Service
{
    private readonly List<Service> _services = [];

    /// <summary>The services, in the order of their addition.</summary>
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
    /// <returns>Fires when it has stopped. Cancelling it cancels the stop, if the service can do that.</returns>
    public Deferred RemoveService(Service service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return _services.Remove(service) && service.Running ? service.StopService() : Deferred.Succeed(default(Unit));
    }

    /// <summary>Starts all services. If one cannot start, those before it are stopped, and its exception leaves from here.</summary>
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
    /// <returns>Fires when all have stopped; a service that fails to stop is reported, and the others are stopped. Cancelling
    /// it cancels each stop that is under way.</returns>
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
