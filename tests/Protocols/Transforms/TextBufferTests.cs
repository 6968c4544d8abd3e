using System.Text;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

[TestClass]
public sealed class TextBufferTests
{
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(9)]
    [DataRow(10)]
    [DataRow(4096)]
    [DataRow(100_000)]
    public void Frame_AnyLength_IsTheNetstringOfIt(int length)
    {
        var buffer = new TextBuffer();
        string text = new('x', length);
        foreach (char c in text.AsSpan(0, length / 2))
        {
            buffer.Write([(byte)c]);
        }

        buffer.Write(Encoding.ASCII.GetBytes(text[(length / 2)..]));
        Assert.AreEqual($"{length}:{text},", Encoding.ASCII.GetString(buffer.Frame().Span));
        Assert.AreEqual(text, Encoding.ASCII.GetString(buffer.Text));
        buffer.Release();
        Assert.AreEqual(0, buffer.Length);
        Assert.AreEqual(0, buffer.Capacity);
        Assert.AreEqual("0:,", Encoding.ASCII.GetString(buffer.Frame().Span));
    }

    [TestMethod]
    public void Write_UpToTheLimit_IsTakenAndNotAByteMore()
    {
        var buffer = new TextBuffer { Limit = 5 };
        buffer.Write("12345"u8);
        _ = Assert.ThrowsExactly<TextTooLongError>(() => buffer.Write("6"u8));
        Assert.AreEqual("12345", Encoding.ASCII.GetString(buffer.Text));
    }

    [TestMethod]
    public void Advance_BeyondTheLimit_IsRefused()
    {
        var buffer = new TextBuffer { Limit = 5 };
        Assert.IsGreaterThanOrEqualTo(6, buffer.Reserve(6).Length);
        _ = Assert.ThrowsExactly<TextTooLongError>(() => buffer.Advance(6));
        buffer.Advance(5);
        Assert.AreEqual(5, buffer.Length);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("a poem")]
    public unsafe void Detach_GivesTheTextAway(string text)
    {
        var buffer = new TextBuffer();
        buffer.Write(Encoding.ASCII.GetBytes(text));
        byte* memory = buffer.Detach(out int length, out int capacity);
        Assert.AreEqual(text, Encoding.ASCII.GetString(memory, length));
        Assert.IsGreaterThanOrEqualTo(length, capacity);
        Assert.AreEqual(0, buffer.Length);
        Assert.AreEqual(0, buffer.Capacity);
        System.Runtime.InteropServices.NativeMemory.Free(memory);
    }

    [TestMethod]
    public void Pool_BufferThatHasGrown_GivesItsMemoryBack()
    {
        var pool = new TextBufferPool();
        TextBuffer buffer = pool.Rent(1024 * 1024);
        buffer.Write(new byte[1024 * 1024]);
        pool.Return(buffer);
        TextBuffer again = pool.Rent(10);
        Assert.AreSame(buffer, again);
        Assert.AreEqual(0, again.Capacity);
        Assert.AreEqual(0, again.Length);
        Assert.AreEqual(10, again.Limit);
    }

    [TestMethod]
    public void Pool_TwoAtOnce_AreTwo()
    {
        var pool = new TextBufferPool();
        Assert.AreNotSame(pool.Rent(10), pool.Rent(10));
    }
}
