namespace Poetry.Tests.Testing;

/// <summary>The sources that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folder with poetry.csproj.</summary>
    public static string Root
    {
        get
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "poetry.csproj")))
            {
                folder = folder.Parent;
            }

            return folder?.FullName ?? throw new DirectoryNotFoundException("the tests run outside their repository");
        }
    }
}
