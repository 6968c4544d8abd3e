global using MemoryReactor = Poetry.Net.Testing.MemoryReactor;
global using MemoryTransport = Poetry.Net.Testing.MemoryTransport;
global using WireEnd = Poetry.Net.Testing.WireEnd;
