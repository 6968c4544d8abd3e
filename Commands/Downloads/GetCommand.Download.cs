using System;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>One download.</content>
internal sealed partial class GetCommand
{
    /// <summary>One poem on its way from a server to its output.</summary>
    private sealed class Download(GetCommand command, int task, Endpoint from, string? path, bool escapes) : IPoemReceiver
    {
        /// <summary>Is it written out only when all others are over, too? Standard output may have an order to wait for, and
        /// a reader who would hold up what is to be cancelled; a file waits only for those without which it may not be.</summary>
        private readonly bool _commitsAtEnd =
            command._options.AllOrNothing || (path is null && (command._options.Wait || command._options.Race));

        private PoemOutput? _output;
        private string? _problem;
        private bool _awaitsCommit;

        public int Task => task;

        public Endpoint From => from;

        /// <summary>Did it come whole, and was it written whole?</summary>
        public bool IsWhole { get; private set; }

        /// <summary>What has come of a poem that is to be transformed; null if it is not, or is too long for that.</summary>
        public TextBuffer? Held { get; private set; } = command._options.Transform is null ? null : new TextBuffer();

        /// <inheritdoc/>
        public Span<byte> GetBuffer() => Held is null && _output is { } output ? output.GetBuffer() : default;

        /// <inheritdoc/>
        public bool Received(ReadOnlySpan<byte> bytes)
        {
            command._progress.Received(task, bytes.Length);
            if (Held is null)
            {
                return TryWrite(bytes);
            }

            if (TryHold(bytes, out string problem))
            {
                return true;
            }

            command._progress.Warned(task, $"{problem}, printing it as it came");
            return TryWrite(Held.Text) && TryWrite(bytes) && LetGo();
        }

        /// <summary>Passes on a poem that was held to be transformed.</summary>
        /// <param name="transformed">The result, released here; null if the poem stays as it came.</param>
        /// <exception cref="PoemIncompleteError">It could not be written.</exception>
        public void Release(TextBuffer? transformed)
        {
            bool written = TryWrite((transformed ?? Held!).Text);
            transformed?.Release();
            _ = LetGo();
            if (!written)
            {
                throw new PoemIncompleteError("the poem could not be stored");
            }
        }

        /// <summary>Forgets what has come, unless it was shown already.</summary>
        public bool TryStartOver()
        {
            if (_output is { HasShown: true })
            {
                return false;
            }

            _output?.Abort();
            _output = null;
            Held?.Clear();
            command._progress.Restarted(task);
            return true;
        }

        /// <summary>All of it has come: it is written out, or waits for that.</summary>
        /// <exception cref="PoemIncompleteError">It could not be written.</exception>
        /// <exception cref="CancelledError">There is nobody to write it for.</exception>
        public void Complete()
        {
            bool isStored = Check(Open()) && Check(_output!.Seal());
            _awaitsCommit = isStored && _commitsAtEnd;
            if (!isStored || !(_commitsAtEnd || TryCommit()))
            {
                throw _problem is null ? new CancelledError() : new PoemIncompleteError(_problem);
            }
        }

        /// <summary>All others are over, too.</summary>
        /// <param name="keeps">Is a poem that waits to be written out now? Else nothing is left of it.</param>
        public void Settle(bool keeps)
        {
            if (!_awaitsCommit)
            {
                return;
            }

            _awaitsCommit = false;
            if (!keeps)
            {
                Abandon();
            }
            else if (!TryCommit() && _problem is not null)
            {
                Fail(_problem);
            }
        }

        /// <summary>It has not come whole: nobody sees any of it.</summary>
        /// <param name="reason">Unless the output has a better one.</param>
        public void Fail(string reason)
        {
            Abandon();
            command._progress.Failed(task, _problem ?? reason);
        }

        /// <summary>Leaves nothing behind.</summary>
        public void Abandon()
        {
            _output?.Abort();
            _ = LetGo();
        }

        private bool TryCommit()
        {
            if (path is null)
            {
                command._progress.Suspend();
            }

            IsWhole = Check(_output!.Commit());
            if (path is null)
            {
                command._progress.Resume(((StandardOutputPoem)_output).EndsLine);
            }

            if (IsWhole)
            {
                command._progress.Finished(task);
            }

            return IsWhole;
        }

        private bool TryWrite(ReadOnlySpan<byte> bytes)
        {
            try
            {
                return Check(Open()) && Check(_output!.Write(bytes));
            }
            catch (OutOfMemoryException)
            {
                _problem = PoemFetch.OutOfMemory;
                return false;
            }
            finally
            {
                }
        }

        /// <summary>Holds more of a poem that is to be transformed, if it is not too long and there is memory.</summary>
        private bool TryHold(ReadOnlySpan<byte> bytes, out string problem)
        {
            problem = "it is too long to be transformed";
            if (bytes.Length > Held!.Limit - Held.Length)
            {
                return false;
            }

            problem = "out of memory to transform it";
            try
            {
                if (!AvailableMemory.HasRoomFor(Held.GrowthFor(bytes.Length)))
                {
                    return false;
                }

                Held.Write(bytes);
                return true;
            }
            catch (OutOfMemoryException)
            {
                return false;
            }
        }

        private bool LetGo()
        {
            Held?.Release();
            Held = null;
            return true;
        }

        private OutputResult Open()
        {
            if (_output is not null)
            {
                return default;
            }

            if (path is null)
            {
                _output = new StandardOutputPoem(escapes);
                return default;
            }

            OutputResult result = PoemFile.TryCreate(path, out PoemFile? file);
            _output = file;
            return result;
        }

        private bool Check(OutputResult result)
        {
            if (result.IsOk)
            {
                return true;
            }

            if (path is null)
            {
                command.StandardOutputFailed(result);
            }
            else
            {
                _problem = result.Problem;
            }

            return false;
        }
    }
}
