using System.Globalization;
using k8s;
using k8s.Models;
using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>docs/deploy/kubernetes.yaml against the types of the Kubernetes API, its own arithmetic, and the servers it starts.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class DeployKubernetesTests : DeployTests
{
    private const long MiB = 1024 * 1024;

    /// <summary>A field that the API does not have, and a value of the wrong type, are exceptions here.</summary>
    private static readonly List<object> Objects = KubernetesYaml.LoadAllFromString(File.ReadAllText(Recipe("kubernetes.yaml")), strict: true);

    private static IEnumerable<V1Deployment> Deployments => Objects.OfType<V1Deployment>();

    [TestMethod]
    [DataRow("replicas: 2", "replicas: two")]
    [DataRow("minAvailable: 1", "minAvailble: 1")]
    public void TheCheck_FindsMistakes(string right, string wrong)
    {
        string text = File.ReadAllText(Recipe("kubernetes.yaml"));
        Assert.Contains(right, text);
        string broken = text.Replace(right, wrong, StringComparison.Ordinal);
        Assert.ThrowsExactly<YamlDotNet.Core.YamlException>(() => KubernetesYaml.LoadAllFromString(broken, strict: true));
    }

    [TestMethod]
    public void EveryObject_RefersToPodsAndPortsThatExist()
    {
        Assert.HasCount(9, Objects);
        Assert.HasCount(2, Deployments);
        foreach (V1Deployment deployment in Deployments)
        {
            IDictionary<string, string> labels = deployment.Spec.Template.Metadata.Labels;
            Assert.AreEqual(deployment.Name(), labels["app"]);
            Assert.AreEqual(labels["app"], deployment.Spec.Selector.MatchLabels["app"]);
            V1Container container = deployment.Spec.Template.Spec.Containers.Single();
            string[] ports = [.. container.Ports.Select(port => port.Name)];

            V1Service service = Objects.OfType<V1Service>().Single(item => item.Name() == deployment.Name());
            Assert.AreEqual(labels["app"], service.Spec.Selector["app"]);
            Assert.Contains(service.Spec.Ports.Single().TargetPort.Value, ports);
            V1PodDisruptionBudget budget = Objects.OfType<V1PodDisruptionBudget>().Single(item => item.Name() == deployment.Name());
            Assert.AreEqual(labels["app"], budget.Spec.Selector.MatchLabels["app"]);
            Assert.IsLessThan((int)deployment.Spec.Replicas!, int.Parse(budget.Spec.MinAvailable.Value, CultureInfo.InvariantCulture));
            V1NetworkPolicy policy = Objects.OfType<V1NetworkPolicy>().Single(item => item.Name() == deployment.Name());
            Assert.AreEqual(labels["app"], policy.Spec.PodSelector.MatchLabels["app"]);
            CollectionAssert.AreEquivalent(
                ports, policy.Spec.Ingress.SelectMany(rule => rule.Ports).Select(port => port.Port.Value).ToArray());
            Assert.AreEqual($"poetry:{BuildFacts.Version}", container.Image);
            Assert.AreEqual("/readyz", container.ReadinessProbe.HttpGet.Path);
            Assert.AreEqual("/healthz", container.LivenessProbe.HttpGet.Path);
            Assert.AreEqual("metrics", container.ReadinessProbe.HttpGet.Port.Value);
            Assert.AreEqual("metrics", container.LivenessProbe.HttpGet.Port.Value);
        }

        V2HorizontalPodAutoscaler scaler = Objects.OfType<V2HorizontalPodAutoscaler>().Single();
        Assert.Contains(scaler.Spec.ScaleTargetRef.Name, Deployments.Select(deployment => deployment.Name()));
        Assert.IsTrue(scaler.Spec.MinReplicas < scaler.Spec.MaxReplicas);
    }

    [TestMethod]
    public void APod_HasTimeToDrain_MemoryForItsCaches_AndNoRights()
    {
        foreach (V1Deployment deployment in Deployments)
        {
            V1PodSpec pod = deployment.Spec.Template.Spec;
            V1Container container = pod.Containers.Single();
            long preStop = container.Lifecycle.PreStop.Sleep.Seconds;
            int drain = int.Parse(Value(container, "--drain"), CultureInfo.InvariantCulture);
            Assert.IsGreaterThanOrEqualTo(preStop + drain + 5, pod.TerminationGracePeriodSeconds!.Value);

            string size = Value(container, container.Args[0] == "proxy" ? "--max-cache" : "--max-memory");
            Assert.IsTrue(Quantity.TryParseSize(size, out long held, out _));
            long limit = container.Resources.Limits["memory"].ToInt64();
            Assert.IsGreaterThanOrEqualTo(held + 64 * MiB, limit);
            Assert.AreEqual(limit, container.Resources.Requests["memory"].ToInt64(), "the node has the memory");

            Assert.IsTrue(pod.SecurityContext.RunAsNonRoot);
            Assert.AreEqual("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
            Assert.IsFalse(pod.AutomountServiceAccountToken);
            Assert.IsTrue(container.SecurityContext.ReadOnlyRootFilesystem);
            Assert.IsFalse(container.SecurityContext.AllowPrivilegeEscalation);
            CollectionAssert.AreEqual(new[] { "ALL" }, container.SecurityContext.Capabilities.Drop.ToArray());
        }
    }

    /// <summary>
    /// Aim: the arguments start servers that do what the pods are for. Method: they are run as they stand, except that the
    /// names of the services stand for the loopback address here; a poem is fetched through both, and the probes are asked.
    /// </summary>
    [TestMethod]
    public void TheArguments_StartTheProxyAndTheTransformServer()
    {
        _ = Folder.Write("poem.txt", "HELLO, WORLD\n");
        _ = ServeInside("serve", "10001=poem.txt");
        foreach (V1Deployment deployment in Deployments.OrderByDescending(deployment => deployment.Name()))
        {
            V1Container container = deployment.Spec.Template.Spec.Containers.Single();
            CommandSchema command = CommandLine.Root.Find(container.Args[0])!;
            string[] options = [.. container.Args.Where(arg => arg.StartsWith("--", StringComparison.Ordinal)).Select(arg => arg.Split('=')[0])];
            foreach (string option in options)
            {
                Assert.Contains(option, command.Options.SelectMany(declared => declared.Names), $"{command.Name} has it");
            }

            // Two pods have two addresses, and the metrics of both are on one port: here they share a machine.
            string[] arguments = [.. container.Args.Select(arg => arg
                .Replace("poetry-transform:", "127.0.0.1:", StringComparison.Ordinal)
                .Replace("poems:", "127.0.0.1:", StringComparison.Ordinal)
                .Replace("[::]:9100", command.Name == "proxy" ? "[::]:9100" : "[::]:9101", StringComparison.Ordinal))];
            NativeBinary server = ServeInside(arguments);
            Assert.AreEqual(container.Ports[0].ContainerPort, server.Port());
        }

        Finished got = Get("10000");
        Assert.AreEqual("hello, world\n", System.Text.Encoding.UTF8.GetString(got.Bytes), got.Errors);
        foreach (V1HTTPGetAction probe in Deployments.Select(deployment => deployment.Spec.Template.Spec.Containers.Single())
            .SelectMany(container => new[] { container.ReadinessProbe.HttpGet, container.LivenessProbe.HttpGet }))
        {
            Assert.StartsWith("HTTP/1.1 200", Ask(probe.Path));
        }

        string metric = Objects.OfType<V2HorizontalPodAutoscaler>().Single().Spec.Metrics.Single().Pods.Metric.Name;
        Assert.Contains($"\n{metric} ", Ask("/metrics"));
    }

    private static string Value(V1Container container, string option) =>
        container.Args.Single(arg => arg.StartsWith($"{option}=", StringComparison.Ordinal))[(option.Length + 1)..];

    /// <summary>Asks the proxy's metrics port, as the kubelet and Prometheus do.</summary>
    private string Ask(string path)
    {
        string script = $@"exec 3<>/dev/tcp/127.0.0.1/9100; printf 'GET {path} HTTP/1.0\r\n\r\n' >&3; cat <&3";
        return System.Text.Encoding.UTF8.GetString(RunTool("bash", "-c", script).Bytes);
    }
}
