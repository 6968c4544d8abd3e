using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class ErrnoTests
{
    [TestMethod]
    [DataRow(Errno.ECONNREFUSED, "connection refused")]
    [DataRow(Errno.EACCES, "permission denied")]
    [DataRow(Errno.EADDRINUSE, "address already in use")]
    [DataRow(Errno.ENOSPC, "no space left on device")]
    [DataRow(Errno.ENOENT, "no such file or directory")]
    [DataRow(Errno.EISDIR, "is a directory")]
    [DataRow(Errno.ENETUNREACH, "network is unreachable")]
    [DataRow(Errno.EMFILE, "too many open files")]
    [DataRow(Errno.ECONNRESET, "connection reset by peer")]
    public void Sentence_WhatUsersMeet_IsInTheirWords(Errno errno, string sentence)
    {
        Assert.AreEqual(sentence, errno.Sentence());
        Assert.AreEqual(sentence, errno.Sentence("connect"));
    }

    [TestMethod]
    public void Sentence_EveryNamedError_HasOneOfItsOwn()
    {
        var seen = new System.Collections.Generic.HashSet<string>();
        foreach (Errno errno in Enum.GetValues<Errno>())
        {
            Assert.DoesNotContain("unknown", errno.Sentence());
            Assert.IsTrue(seen.Add(errno.Sentence()), $"{errno} shares its sentence");
        }
    }

    [TestMethod]
    public void Sentence_UnknownError_IsLoudWithNumberAndCall()
    {
        Assert.AreEqual("unknown error 4000", ((Errno)4000).Sentence());
        Assert.AreEqual("unknown error 4000 from accept4", ((Errno)4000).Sentence("accept4"));
        Assert.AreEqual("unknown error 77 of this system from bind", ErrnoText.Foreign(77).Sentence("bind"));
        Assert.AreEqual("bind failed: unknown error 4000 (errno 4000)", ErrnoText.Failed("bind", (Errno)4000).Message);
        Assert.AreEqual("bind failed: permission denied (errno 13)", ErrnoText.Failed("bind", Errno.EACCES).Message);
    }

    [TestMethod]
    [DataRow(0, Errno.None)]
    [DataRow(2, Errno.ENOENT)]
    [DataRow(24, Errno.EMFILE)]
    [DataRow(32, Errno.EPIPE)]
    [DataRow(35, Errno.EAGAIN)]
    [DataRow(36, Errno.EINPROGRESS)]
    [DataRow(48, Errno.EADDRINUSE)]
    [DataRow(54, Errno.ECONNRESET)]
    [DataRow(61, Errno.ECONNREFUSED)]
    [DataRow(66, Errno.ENOTEMPTY)]
    public void ToErrno_OfBsd_IsTheSameErrorOnBoth(int raw, Errno errno)
    {
        Assert.AreEqual(errno, ErrnoTables.OfBsd(raw, freeBsd: false));
        Assert.AreEqual(errno, ErrnoTables.OfBsd(raw, freeBsd: true));
    }

    [TestMethod]
    public void ToErrno_OfBsd_WhereTheTwoDiffer()
    {
        Assert.AreEqual(Errno.ECANCELED, ErrnoTables.OfBsd(89, freeBsd: false));
        Assert.AreEqual(Errno.ECANCELED, ErrnoTables.OfBsd(85, freeBsd: true));
        Assert.AreEqual(Errno.EPROTO, ErrnoTables.OfBsd(100, freeBsd: false));
        Assert.AreEqual(Errno.EPROTO, ErrnoTables.OfBsd(92, freeBsd: true));
        Assert.AreEqual(ErrnoText.Foreign(89), ErrnoTables.OfBsd(89, freeBsd: true));
    }

    [TestMethod]
    public void ToErrno_BsdDeadlock_IsNotTakenForWouldBlock()
    {
        Assert.AreEqual(ErrnoText.Foreign(11), ErrnoTables.OfBsd(11, freeBsd: false));
        Assert.AreNotEqual(Errno.EAGAIN, ErrnoTables.OfBsd(11, freeBsd: true));
    }

    [TestMethod]
    [DataRow(0, Errno.None)]
    [DataRow(10035, Errno.EAGAIN)]
    [DataRow(10048, Errno.EADDRINUSE)]
    [DataRow(10054, Errno.ECONNRESET)]
    [DataRow(10061, Errno.ECONNREFUSED)]
    [DataRow(2, Errno.ENOENT)]
    [DataRow(5, Errno.EACCES)]
    [DataRow(112, Errno.ENOSPC)]
    public void ToErrno_OfWindows_IsOurs(int raw, Errno errno) => Assert.AreEqual(errno, ErrnoTables.OfWindows(raw));

    [TestMethod]
    public void ToErrno_OfWindowsUnknown_IsKeptApartFromLinuxNumbers() =>
        Assert.AreEqual("unknown error 11001 of this system", ErrnoTables.OfWindows(11001).Sentence());
}
