using System.Reflection;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

[TestClass]
public sealed class TransformServiceTests
{
    private readonly TransformService _service = TransformService.BuiltIn();
    private readonly TextBuffer _output = new();

    [TestMethod]
    public void Names_OfTheBuiltIn_AreThoseOfTheManual() =>
        CollectionAssert.AreEqual(new[] { "cummingsify", "shout", "rot13", "reverse-lines" }, _service.Names.ToArray());

    [TestMethod]
    [DataRow("__init__")]
    [DataRow("ToString")]
    [DataRow("xform_cummingsify")]
    [DataRow("../x")]
    [DataRow("Cummingsify")]
    [DataRow("cummingsify ")]
    [DataRow("cummingsif")]
    [DataRow("")]
    public void Find_WhatIsNotRegistered_FindsNothingAndCounts(string name)
    {
        Assert.IsNull(_service.Find(Encoding.UTF8.GetBytes(name)));
        Assert.AreEqual(1, _service.Unknown);
    }

    [TestMethod]
    public void Register_AnotherTransformation_IsOneLine()
    {
        _service.Register(new NowTransformation("double", (text, output) =>
        {
            output.Write(text);
            output.Write(text);
        }));
        Assert.IsNull(_service.Transform(_service.Find("double"u8)!, "ab"u8, _output));
        Assert.AreEqual("abab", Encoding.UTF8.GetString(_output.Text));
        Assert.Contains("double", _service.Names);
    }

    [TestMethod]
    public void Register_ANameThatIsTaken_IsRefused() =>
        Assert.ThrowsExactly<ArgumentException>(() => _service.Register(new NowTransformation("shout", (_, _) => { })));

    [TestMethod]
    public void Transform_OneThatThrows_FailsTheDeferredAndCounts()
    {
        var broken = new NowTransformation("broken", (_, _) => throw new InvalidTimeZoneException("broken"));
        Failure? failure = null;
        _ = _service.Transform(broken, "x"u8, _output)!.AddErrback(f => { failure = f; });
        Assert.IsTrue(failure!.Check<InvalidTimeZoneException>());
        Assert.AreEqual(1, _service.Failed);
        Assert.AreEqual(0, _service.Succeeded);
    }

    [TestMethod]
    public void Transform_OneThatIsDoneLater_FiresLater()
    {
        var done = new Deferred<byte[]>();
        Deferred<TextBuffer>? later = _service.Transform(new LaterTransformation("later", _ => done), "x"u8, _output);
        byte[]? result = null;
        _ = later!.AddCallback(output => { result = output.Text.ToArray(); });
        Assert.IsNull(result);
        done.Callback([1, 2]);
        CollectionAssert.AreEqual(new byte[] { 1, 2 }, result);
        Assert.AreEqual(1, _service.Succeeded);
    }

    [TestMethod]
    public void Transform_OutputBeyondTheLimit_Fails()
    {
        _output.Limit = 3;
        var grows = new NowTransformation("grows", (text, output) => output.Write("1234"u8));
        Assert.IsTrue(FailureOf(_service.Transform(grows, "x"u8, _output)).Check<TextTooLongError>());
        var growsLater = new LaterTransformation("grows-later", _ => Deferred.Succeed("1234"u8.ToArray()));
        Assert.IsTrue(FailureOf(_service.Transform(growsLater, "x"u8, _output)).Check<TextTooLongError>());
    }

    [TestMethod]
    public void Transform_OutputAtTheLimit_IsTaken()
    {
        _output.Limit = 4;
        Assert.IsNull(_service.Transform(new NowTransformation("fits", (_, output) => output.Write("1234"u8)), "x"u8, _output));
        Assert.AreEqual(4, _output.Length);
    }

    [TestMethod]
    public void Elsewhere_IsAskedForWhatIsNotHere()
    {
        var service = new TransformService(name => name.Length == 3 ? new NowTransformation("far", (_, _) => { }) : null);
        service.Register(new Shout());
        Assert.AreEqual("shout", service.Find("shout"u8)?.Name);
        Assert.AreEqual("far", service.Find("abc"u8)?.Name);
        Assert.IsNull(service.Find("ab"u8));
        Assert.AreEqual(1, service.Unknown);
    }

    /// <summary>The service and its transformations name no protocol, transport, factory or reactor anywhere.</summary>
    [TestMethod]
    [DataRow(typeof(TransformService))]
    [DataRow(typeof(Transformation))]
    [DataRow(typeof(LetterCase))]
    [DataRow(typeof(Rot13))]
    [DataRow(typeof(ReverseLines))]
    [DataRow(typeof(TextBuffer))]
    public void Service_KnowsNoProtocol(Type type)
    {
        const BindingFlags All = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static
            | BindingFlags.Public | BindingFlags.NonPublic;
        var named = type.GetFields(All).Select(field => field.FieldType)
            .Concat(type.GetMethods(All).SelectMany(method => method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType)))
            .Concat(type.GetConstructors(All).SelectMany(made => made.GetParameters().Select(p => p.ParameterType)));
        foreach (Type used in named)
        {
            bool isOfTheNetwork = typeof(Protocol).IsAssignableFrom(used) || typeof(ITransport).IsAssignableFrom(used)
                || typeof(Factory).IsAssignableFrom(used) || used == typeof(Poetry.Net.Reactor) || used == typeof(SocketAddress);
            Assert.IsFalse(isOfTheNetwork, $"{type.Name} knows {used.Name}");
        }
    }

    private static Failure FailureOf(Deferred<TextBuffer>? later)
    {
        Assert.IsNotNull(later, "it was done at once");
        Failure? failure = null;
        _ = later.AddErrback(f => { failure = f; });
        Assert.IsNotNull(failure, "it did not fail");
        return failure;
    }
}
