using System.Text.Json;
using Poetry.Net;

namespace Poetry.Tests.Traces;

/// <summary>The ops of FORMAT.md, one by one.</summary>
internal sealed partial class TraceProgram<T>
{
    private void Execute(JsonElement op)
    {
        int Number(string name) => op.GetProperty(name).GetInt32();
        TimeSpan Time(string name)
        {
            _usesClock = true;
            return TimeSpan.FromSeconds(op.GetProperty(name).GetDouble());
        }

        Slot D(string name = "d") => _deferreds[Number(name)];
        void Make(Deferred<T> tail, Deferred<T>? head = null) => Add(Number("d"), tail, head ?? tail);
        T Value() => flavour.Wrap(ValueOf(op.GetProperty("v")));
        Failure Error() => new(new ProgramError(op.GetProperty("e").GetString()!));

        string name = op.GetProperty("op").GetString()!;
        switch (name)
        {
            case "new":
                Make(New(op));
                break;
            case "succeed":
                Make(Deferred.Succeed(Value()));
                break;
            case "fail":
                Make(Deferred.Fail<T>(Error()));
                break;
            case "maybe":
                Maybe(op);
                break;
            case "callback":
                D().Head.Callback(Value());
                break;
            case "errback":
                D().Head.Errback(Error());
                break;
            case "cancel":
                D().Tail.Cancel();
                break;
            case "pause":
                D().Tail.Pause();
                break;
            case "unpause":
                D().Tail.Unpause();
                break;
            case "chain":
                D().Tail.ChainDeferred(D("to").Head);
                break;

            case "addCallback":
                AddCallback(D(), op.GetProperty("fn"));
                break;
            case "addErrback":
                AddErrback(D(), op.GetProperty("fn"));
                break;
            case "addBoth":
                JsonElement both = op.GetProperty("fn").Clone();
                D().Add(slot => flavour.AddBoth(slot.Tail, input => Call(both, flavour.UnwrapOutcome(input))));
                break;
            case "addCallbacks":
                AddCallbacks(D(), op);
                break;

            case "list":
                Make(NewGroup(
                    op, op.GetProperty("oneCallback").GetBoolean(), op.GetProperty("oneErrback").GetBoolean(), isGather: false));
                break;
            case "gather":
                Make(NewGroup(op, fireOnOneCallback: false, fireOnOneErrback: true, isGather: true));
                break;
            case "timeout":
                AddTimeout(D(), op, Time("secs"));
                break;

            case "later":
                Later(Number("c"), Time("secs"), op);
                break;
            case "advance":
                _clock.Advance(Time("secs"));
                break;
            case "callCancel":
                _calls[Number("c")].Cancel();
                break;
            case "callReset":
                _calls[Number("c")].Reset(Time("secs"));
                break;
            case "callDelay":
                _calls[Number("c")].Delay(Time("secs"));
                break;

            case "inline":
                Make(Coroutine(Number("d"), op.GetProperty("body")));
                break;

            case "lock":
                _primitives.Add(Number("p"), new DeferredLock());
                break;
            case "semaphore":
                _primitives.Add(Number("p"), new DeferredSemaphore(Number("tokens")));
                break;
            case "queue":
                _primitives.Add(Number("p"), new DeferredQueue<T>(Limit(op, "size"), Limit(op, "backlog")));
                break;
            case "acquire":
                Acquire(op, Number("p"), Number("d"));
                break;
            case "release":
                if (_primitives[Number("p")] is DeferredLock held)
                {
                    held.Release();
                }
                else
                {
                    ((DeferredSemaphore)_primitives[Number("p")]).Release();
                }

                break;
            case "run":
                JsonElement run = op.GetProperty("fn");
                Outcome<T> Function() => Call(run, null);
                Make(_primitives[Number("p")] is DeferredLock gate
                    ? gate.Run(Function)
                    : ((DeferredSemaphore)_primitives[Number("p")]).Run(Function));
                break;
            case "put":
                ((DeferredQueue<T>)_primitives[Number("p")]).Put(Value());
                break;
            case "get":
                Make(((DeferredQueue<T>)_primitives[Number("p")]).Get());
                break;
            default:
                throw new NotSupportedException($"FORMAT.md has no op {name}");
        }
    }
}
