using System.Text;
using Poetry.Commands;

namespace Poetry.Tests.Commands;

/// <summary>A terminal that remembers what it was told, and can show what a person would see.</summary>
internal sealed class ScreenWriter() : TerminalWriter(descriptor: -1, () => false)
{
    private readonly StringBuilder _written = new();

    public bool IsStopped { get; set; }

    public string Written => _written.ToString();

    public void Clear() => _written.Clear();

    public override void Write(string text) => _written.Append(text);

    public override bool TryWrite(string text)
    {
        if (!IsStopped)
        {
            _ = _written.Append(text);
        }

        return !IsStopped;
    }

    /// <summary>The rows of the screen, empty ones at the end left out.</summary>
    public string[] Rows(int columns)
    {
        var rows = new List<StringBuilder> { new() };
        int row = 0, column = 0;
        string text = Written;
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\r':
                    column = 0;
                    break;
                case '\n':
                    column = 0;
                    row++;
                    break;
                case '\x1b':
                    Assert.AreEqual('[', text[++i]);
                    int number = 0;
                    while (char.IsAsciiDigit(text[++i]))
                    {
                        number = (number * 10) + (text[i] - '0');
                    }

                    Command(text[i], number);
                    break;
                default:
                    while (rows[row].Length <= column)
                    {
                        _ = rows[row].Append(' ');
                    }

                    rows[row][column++] = text[i];
                    Assert.IsTrue(column < columns, "the last column is left free");
                    break;
            }

            while (rows.Count <= row)
            {
                rows.Add(new StringBuilder());
            }
        }

        string[] seen = rows.Select(r => r.ToString().TrimEnd()).ToArray();
        return seen[..(Array.FindLastIndex(seen, r => r.Length > 0) + 1)];

        void Command(char command, int number)
        {
            switch (command)
            {
                case 'A':
                    Assert.IsTrue(number > 0 && number <= row, $"up {number} from {row}");
                    row -= number;
                    break;
                case 'K':
                    rows[row].Length = Math.Min(rows[row].Length, column);
                    break;
                case 'J':
                    rows[row].Length = Math.Min(rows[row].Length, column);
                    rows.RemoveRange(row + 1, rows.Count - row - 1);
                    break;
                default:
                    Assert.AreEqual('m', command);
                    break;
            }
        }
    }
}
