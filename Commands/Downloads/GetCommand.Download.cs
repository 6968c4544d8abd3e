using System.Runtime.InteropServices;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>One download.</content>
internal sealed partial class GetCommand
{
    /// <summary>The download of one poem, from a server to its output.</summary>
    private sealed class Download(GetCommand command, int task, PoemMirrors from, string? path, bool escapes) : IPoemReceiver
    {
        /// <summary>True if the poem is written only when all downloads have ended. Standard output may need an order, and its
        /// reader may delay the cancelling of other downloads. A file waits only for <c>--all-or-nothing</c>.</summary>
        private readonly bool _commitsAtEnd =
            command.Options.AllOrNothing || (path is null && (command.Options.Wait || command.Options.Race));

        private PoemOutput? _output;
        private PoemCheck _check = new(command.Options);
        private string? _problem;
        private bool _awaitsCommit;

        public int Task => task;

        public PoemMirrors From => from;

        /// <summary>True if the poem was received and written completely.</summary>
        public bool IsComplete { get; private set; }

        public bool HasFailed { get; private set; }

        /// <summary>The received part of a poem that is to be transformed; null if it is not, or is too long for that.</summary>
        public TextBuffer? Held { get; private set; } = command.Options.Transform is null ? null : new TextBuffer();

        /// <summary>The result of the transformation.</summary>
        public TextBuffer Transformed { get; } = new();

        public Span<byte> GetBuffer() => Held is null && _output is { } output ? output.GetBuffer() : default;

        public void Connected(IProducer upstream)
        {
            if (upstream is PoemClient client)
            {
                command.Note(this, $"connected to {client.Transport.Peer}");
            }
        }

        public void Announced(long length)
        {
            command._progress.Announced(Task, length);
            _problem = _check.CheckLength(length);
        }

        public bool Received(ReadOnlySpan<byte> bytes)
        {
            _problem ??= _check.Append(bytes);
            if (_problem is not null)
            {
                return false;
            }

            command._progress.Received(Task, bytes.Length);
            if (Held is null)
            {
                return TryWrite(bytes);
            }

            if (Hold(bytes) is not { } problem)
            {
                return true;
            }

            if (command.Options.StrictTransform)
            {
                _problem = problem;
                return false;
            }

            command._progress.Warned(Task, $"{problem}, printing it as it came");
            bool isWritten = TryWrite(Held) && TryWrite(bytes);
            ReleaseHeld();
            return isWritten;
        }

        public bool TryRestart()
        {
            if (_output is { HasShown: true })
            {
                return false;
            }

            _output?.Abort();
            _output = null;
            _problem = null;
            _check = new PoemCheck(command.Options);
            Held?.Clear();
            return true;
        }

        /// <summary>Checks the complete poem, before it is transformed.</summary>
        /// <exception cref="PoemIncompleteError">The poem is not the expected one.</exception>
        public void Verify()
        {
            if (_check.Finish() is { } problem)
            {
                throw new PoemIncompleteError(problem);
            }
        }

        /// <summary>Writes the held poem, or its transformation.</summary>
        /// <param name="isTransformed">True to write the transformation; false to write the poem as it came.</param>
        /// <exception cref="PoemIncompleteError">It could not be written.</exception>
        public void WriteHeld(bool isTransformed)
        {
            try
            {
                if (!TryWrite(isTransformed ? Transformed : Held!))
                {
                    throw new PoemIncompleteError("the poem could not be stored");
                }
            }
            catch (OutOfMemoryException)
            {
                throw new PoemIncompleteError(PoemFetch.OutOfMemory);
            }

            ReleaseHeld();
        }

        /// <summary>Writes the complete poem, or leaves that to <see cref="Settle"/>.</summary>
        /// <exception cref="PoemIncompleteError">It could not be written.</exception>
        /// <exception cref="CancelledError">The reader of standard output has gone.</exception>
        public void Complete()
        {
            bool isStored = Check(Open()) && Check(_output!.Seal());
            _awaitsCommit = isStored && _commitsAtEnd;
            if (!isStored || !(_commitsAtEnd || TryCommit()))
            {
                throw _problem is null ? new CancelledError() : new PoemIncompleteError(_problem);
            }
        }

        /// <summary>Writes or drops a poem that had to wait until all downloads have ended.</summary>
        /// <param name="keeps">True to write it; false to drop it.</param>
        public void Settle(bool keeps)
        {
            if (!_awaitsCommit)
            {
                return;
            }

            _awaitsCommit = false;
            if (keeps && TryCommit())
            {
                return;
            }

            if (_problem is not null)
            {
                Fail(_problem);
            }
            else
            {
                Cancel();
            }
        }

        /// <summary>Checks that the file can get its name. Until <see cref="Settle"/>, the file that has the name now can be
        /// restored.</summary>
        public bool TryPrepare() => _output is not PoemFile file || Check(file.Prepare());

        /// <summary>Renames the file into place, before <see cref="Settle"/>.</summary>
        public bool TryPublish() => _output is not PoemFile file || Check(file.Publish());

        /// <summary>Undoes all renames, because this one failed. The files that can't be restored are added to the problem.</summary>
        public void Undo(Download[] all)
        {
            string separator = "; replaced all the same: ";
            foreach (Download download in all)
            {
                if ((download._output as PoemFile)?.Undo() is { } replaced)
                {
                    _problem += $"{separator}{replaced}";
                    separator = ", ";
                }
            }
        }

        /// <summary>Reports a failed download. No part of the poem is shown, unless it was streamed.</summary>
        /// <param name="reason">The reason, if the output has no problem.</param>
        public void Fail(string reason)
        {
            Abandon();
            HasFailed = true;
            command._progress.Failed(Task, _problem ?? reason);
        }

        /// <summary>Reports a download that something else has ended.</summary>
        public void Cancel()
        {
            Abandon();
            PosixSignal signal = command.Signal;
            command._progress.Cancelled(
                Task,
                signal != 0 ? $"ended by {signal}"
                : command._standardOutputError == Errno.EPIPE ? "the reader of standard output has gone"
                : command._standardOutputError != Errno.None ? "standard output failed"
                : command.Options.Race ? "another download was complete first"
                : "another download failed");
        }

        /// <summary>Drops the received bytes.</summary>
        private void Abandon()
        {
            _output?.Abort();
            ReleaseHeld();
        }

        private bool TryCommit()
        {
            bool isShared = path is null && !command.Options.Stream;
            if (isShared)
            {
                command._progress.Suspend();
            }

            IsComplete = Check(_output!.Commit());
            if (isShared)
            {
                command._progress.Resume(_output.EndsLine);
            }

            if (IsComplete)
            {
                command._progress.Finished(Task);
            }

            return IsComplete;
        }

        private bool TryWrite(ReadOnlySpan<byte> bytes) => Check(Open()) && Check(_output!.Write(bytes));

        private bool TryWrite(TextBuffer text) => Check(Open()) && Check(_output!.Write(text));

        /// <summary>Adds bytes to the held poem.</summary>
        /// <returns>The reason if that is not possible; null otherwise.</returns>
        private string? Hold(ReadOnlySpan<byte> bytes)
        {
            try
            {
                Held!.Write(bytes);
                return null;
            }
            catch (TextTooLongError)
            {
                return "it is too long to be transformed";
            }
            catch (OutOfMemoryException)
            {
                return "out of memory to transform it";
            }
        }

        private void ReleaseHeld()
        {
            Transformed.Release();
            Held?.Release();
            Held = null;
        }

        private Errno Open()
        {
            if (_output is null && path is not null)
            {
                Errno error = PoemFile.TryCreate(path, command.Options.Sync, out PoemFile? file);
                _output = file;
                return error;
            }

            _output ??= command.Options.Stream ? new StreamedPoem(escapes) : new StandardOutputPoem(escapes);
            return Errno.None;
        }

        private bool Check(Errno error)
        {
            if (error != Errno.None && path is not null)
            {
                _problem ??= PoemOutput.ProblemOf(_output?.Name ?? path, error);
            }
            else if (error != Errno.None)
            {
                command.StandardOutputFailed(error);
            }

            return error == Errno.None;
        }
    }
}
